//! Redis, if nodes tell each other through one.

use std::time::Duration;

use stream::probe::{Probed, probe};

use super::finding::Finding;
use crate::config::Config;

const CHECK: &str = "redis";
/// It must answer within this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Slower than this it adds to every delivery between nodes what people feel.
const DISTANT: Duration = Duration::from_millis(10);
/// Oldest versions: for one server, and for a cluster's sharded channels.
const OLDEST: u32 = 6;
const OLDEST_CLUSTER: u32 = 7;
/// Bytes that a burst may leave waiting for a node.
const BURST: u64 = 8 << 20;

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.redis.url else {
        if config.database_url().is_sqlite() {
            return Vec::new();
        }
        return vec![Finding::note(CHECK, "redis.url is not set: right for a single node")];
    };
    let shown = url.without_password();
    match probe(url.reveal(), PATIENCE).await {
        Ok(probed) => judge(config.redis.cluster, &shown, &probed),
        Err(why) => vec![Finding::problem(
            CHECK,
            format!("{shown}: {why}"),
            "see that Redis runs, and that redis.url has its address, user and password; meanwhile nodes hear of each \
             other once a second, through the database",
        )],
    }
}

fn judge(wants_cluster: bool, shown: &str, probed: &Probed) -> Vec<Finding> {
    let millis = probed.round_trip.as_secs_f64() * 1_000.0;
    let mut findings = vec![Finding::good(CHECK, format!("{shown} answers in {millis:.1} ms: {}", probed.version))];
    findings.extend(kind(wants_cluster, probed));
    if probed.is_replica {
        let says = "it is a replica, which accepts no writes";
        findings.push(Finding::problem(CHECK, says, "set redis.url to the primary server"));
    }
    if probed.round_trip > DISTANT {
        let cure = "bring Redis nearer to the nodes: every message between them goes through it";
        findings.push(Finding::warning(CHECK, format!("an answer takes {millis:.0} ms"), cure));
    }
    findings.push(match &probed.hears {
        Ok(time) => {
            Finding::good(CHECK, format!("what is said is heard, after {:.1} ms", time.as_secs_f64() * 1_000.0))
        }
        Err(why) => Finding::problem(
            CHECK,
            format!("what is said on a channel is not heard: {why}"),
            "let its user subscribe and publish: ACL SETUSER … +subscribe +publish &palabre:*",
        ),
    });
    if probed.subscriber_bytes.is_some_and(|bytes| (1..BURST).contains(&bytes)) {
        findings.push(Finding::note(
            CHECK,
            "client-output-buffer-limit for pubsub is below 8 MB: a burst cuts nodes off, which then read the database",
        ));
    }
    findings
}

fn kind(wants_cluster: bool, probed: &Probed) -> Option<Finding> {
    let oldest = if wants_cluster { OLDEST_CLUSTER } else { OLDEST };
    if probed.major < oldest {
        let says = format!("{} is too old", probed.version);
        return Some(Finding::problem(CHECK, says, format!("use version {oldest} or later")));
    }
    match (wants_cluster, probed.cluster.as_deref()) {
        (true, None) => Some(Finding::problem(
            CHECK,
            "redis.cluster is true, but it is a single server",
            "set redis.cluster = false",
        )),
        (false, Some(_)) => {
            Some(Finding::problem(CHECK, "it is a node of a Redis Cluster", "set redis.cluster = true"))
        }
        (true, Some(state)) if state != "ok" => {
            let cure = "mend the cluster: redis-cli --cluster check";
            Some(Finding::problem(CHECK, format!("the cluster's state is {state}"), cure))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stream::probe::Probed;

    use super::{super::finding::Level, judge};

    fn worst(wants_cluster: bool, change: impl Fn(&mut Probed)) -> Level {
        let mut probed = Probed {
            version: "Redis 7.0.15".to_owned(),
            major: 7,
            round_trip: Duration::from_micros(200),
            hears: Ok(Duration::from_micros(300)),
            cluster: None,
            is_replica: false,
            subscriber_bytes: Some(32 << 20),
        };
        change(&mut probed);
        judge(wants_cluster, "it", &probed).iter().map(|finding| finding.level).max().expect("findings")
    }

    #[test]
    fn each_weakness_of_a_redis_is_told_with_its_weight() {
        assert_eq!(worst(false, |_| {}), Level::Good);
        assert_eq!(worst(false, |it| it.major = 5), Level::Problem);
        assert_eq!(worst(true, |_| {}), Level::Problem);
        assert_eq!(worst(false, |it| it.cluster = Some("ok".to_owned())), Level::Problem);
        assert_eq!(worst(true, |it| it.cluster = Some("ok".to_owned())), Level::Good);
        assert_eq!(worst(true, |it| it.cluster = Some("fail".to_owned())), Level::Problem);
        assert_eq!(worst(true, |it| (it.major, it.cluster) = (6, Some("ok".to_owned()))), Level::Problem);
        assert_eq!(worst(false, |it| it.is_replica = true), Level::Problem);
        assert_eq!(worst(false, |it| it.hears = Err("cut".to_owned())), Level::Problem);
        assert_eq!(worst(false, |it| it.round_trip = Duration::from_millis(40)), Level::Warning);
        assert_eq!(worst(false, |it| it.subscriber_bytes = Some(1 << 20)), Level::Note);
    }
}
