# certificates.sh: what certificates of origin cost.
#
# Sourced by bench.sh, called as bench_certificates.  bound_certificates.c says of which
# plants and times the bounds are; they are computed in the core alone.

CERTIFICATES_RUNS=${CERTIFICATES_RUNS:-9}
CERTIFICATES_INSTANTS=2000000
CERTIFICATES_INTERVALS=1000000

bench_certificates_bound()
{
	local program out

	el_progress "certificates: bounds"
	program=$(bench_program bound_certificates) || exit 1
	out=$("$program" instant "$CERTIFICATES_INSTANTS" "$CERTIFICATES_RUNS") || el_die "bound_certificates failed"
	bench_print_rate solar_bound_evaluations_per_s evaluations/s $out
	out=$("$program" interval "$CERTIFICATES_INTERVALS" "$CERTIFICATES_RUNS") || el_die "bound_certificates failed"
	bench_print_rate solar_bound_quarter_hours_per_s intervals/s $out
}

bench_certificates()
{
	bench_certificates_bound
	el_progress_end
}
