# coupling.sh: what clearing coupled zones costs in memory, and how that grows.
#
# Sourced by bench.sh, called as bench_coupling.  No database has a part in it.

COUPLING_RUNS=${COUPLING_RUNS:-5}

# bench_coupling_run NAME ZONES LINES STEPS
bench_coupling_run()
{
	local run out solve=() check=()

	for ((run = 1; run <= COUPLING_RUNS; run++)); do
		out=$("$program" "$2" "$3" "$4") || el_die "could not solve a coupling of $2 zones, $3 lines and $4 steps"
		read -r -a out <<< "$out"
		solve+=("${out[0]}")
		check+=("${out[1]}")
	done
	bench_print "coupling_$1_solve" "$(bench_median "${solve[@]}")" ms
	bench_print "coupling_$1_check" "$(bench_median "${check[@]}")" ms
	bench_print "coupling_$1_full_lines" "${out[2]}" "of $3"
}

bench_coupling()
{
	local program

	program=$(bench_program solve_coupling) || exit 1
	bench_coupling_run 20_zones_10k_steps 20 40 10000
	bench_coupling_run 20_zones_100k_steps 20 40 100000
	bench_coupling_run 20_zones_1m_steps 20 40 1000000
	bench_coupling_run 100_zones_100k_steps 100 300 100000
}
