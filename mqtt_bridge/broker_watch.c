/*
 * broker_watch.c: warnings about a broker that would lose messages or let in
 * strangers, as far as a client sees that.
 *
 * Three things show: what CONNACK says, what was needed to be let in, and
 * mosquitto's $SYS topics (where its access list shows them to us), which count the
 * messages it threw away because a queue was full.  What does not show is not
 * guessed: whether the broker keeps its sessions on disk, how deep its queues
 * are, what others may publish.
 */
#include "broker_watch.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "tls_files.h"

#define BROKER_WATCH_BLIND_MS 15000 /* mosquitto's $SYS is retained: it comes at once */
#define BROKER_WATCH_NUMBER_BYTES_MAX 20
#define BROKER_WATCH_DAYS_LEFT 30

static const char broker_watch_dropped[] = "$SYS/broker/publish/messages/dropped";
static const char broker_watch_version[] = "$SYS/broker/version";

static void
broker_watch_on_message(struct mosquitto *handle, void *arg, const struct mosquitto_message *m,
						const mosquitto_property *properties)
{
	broker_watch *w = ((mqtt_client *) arg)->watch;
	char		number[BROKER_WATCH_NUMBER_BYTES_MAX + 1];

	if (w == NULL)
		return;
	w->seen = true;
	if (strcmp(m->topic, broker_watch_dropped) != 0 || m->payloadlen < 1 ||
		m->payloadlen > BROKER_WATCH_NUMBER_BYTES_MAX)
		return;
	memcpy(number, m->payload, (size_t) m->payloadlen);
	number[m->payloadlen] = '\0';
	w->dropped = strtoull(number, NULL, 10);
}

static bool
broker_watch_is_local(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static void
broker_watch_judge(const config *cfg, const mqtt_client *in)
{
	int64_t		days = cfg->broker_certfile[0] != '\0' ? tls_files_days_left(cfg->broker_certfile) : INT64_MAX;

	if (cfg->broker_cafile[0] == '\0' && !broker_watch_is_local(cfg->broker_host))
		log_warning("broker_unencrypted", "the way to the broker at %s is not encrypted: set broker_cafile", cfg->broker_host);
	if (cfg->broker_username[0] == '\0' && cfg->broker_certfile[0] == '\0')
		log_warning("broker_anonymous", "the broker lets us in without a password or certificate, and so perhaps anybody");
	if (in->server_keepalive_s > 0 && in->server_keepalive_s * INT64_C(1000) < cfg->database_timeout_ms * 2)
		log_warning("broker_keepalive", "the broker wants to hear of us every %d s, and a batch may take %lld ms during which "
					"it cannot: raise its max_keepalive or lower database_timeout_ms",
					(int) in->server_keepalive_s, (long long) cfg->database_timeout_ms);
	if (in->has_session_expiry && in->session_expiry_s < cfg->session_expiry_s)
		log_warning("broker_expiry", "the broker keeps our session for %lu s while we are away, not for the %lld s asked for",
					(unsigned long) in->session_expiry_s, (long long) cfg->session_expiry_s);
	if (days < BROKER_WATCH_DAYS_LEFT)
		log_event(LOG_LEVEL_WARNING, "certificate_ends", LOG_FIELDS(LOG_NUMBER("days_left", days)),
				  "our certificate %s runs out in %lld days", cfg->broker_certfile, (long long) days);
}

void
broker_watch_begin(broker_watch *w, const config *cfg, mqtt_client *in, mqtt_client *down)
{
	char	   *topics[] = {(char *) broker_watch_dropped, (char *) broker_watch_version};

	if (!w->said)
		broker_watch_judge(cfg, in);
	w->said = true;
	w->seen = false;
	w->begun_ms = clock_now_ms();
	down->watch = w;
	mosquitto_message_v5_callback_set(down->handle, broker_watch_on_message);
	/* Written out by the next downlink_service(). */
	mosquitto_subscribe_multiple(down->handle, NULL, 2, topics, 0, 0, NULL);
}

void
broker_watch_look(broker_watch *w, stats *counters)
{
	if (!w->seen && !w->blind_said && clock_now_ms() - w->begun_ms > BROKER_WATCH_BLIND_MS)
	{
		log_info("broker_unseen", "the broker does not show us %s: whether it drops messages cannot be seen",
				 broker_watch_dropped);
		w->blind_said = true;
	}
	/* It counts from its own start. */
	if (w->dropped < w->dropped_said)
		w->dropped_said = 0;
	if (w->dropped > w->dropped_said && w->dropped_said == 0)
		log_event(LOG_LEVEL_WARNING, "broker_drops", LOG_FIELDS(LOG_NUMBER("dropped", w->dropped)),
				  "the broker has thrown away %llu messages since its start, because a queue was full: "
				  "raise its max_queued_messages; meters send again what they have no receipt for",
				  (unsigned long long) w->dropped);
	w->dropped_said = w->dropped;
	counters->broker_dropped = w->dropped;
}

void
broker_watch_again(broker_watch *w)
{
	w->said = false;
}
