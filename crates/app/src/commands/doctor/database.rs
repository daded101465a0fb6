//! The database: reachable, writable, durable, with the tables of this program.

use std::time::Duration;

use dialects::time::Time;
use store::{
    Schema,
    doctor::{Examined, check_file, examine as look, name_findings, unreadable_rows},
    history::Record,
};

use super::{clock, finding::Finding};
use crate::{config::Config, parts};

const CHECK: &str = "database";
/// It must answer within this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// PostgreSQL's oldest version that its makers still mend.
const OLDEST: i64 = 130_000;
/// Connections that PostgreSQL keeps for its superusers.
const RESERVED: i64 = 3;
/// Milliseconds for which is told that the history is another one.
const RECENT: i64 = 7 * 24 * 3_600_000;
/// Findings about names that are told.
const NAMED: i64 = 50;
/// Slower than this a commit's handful of questions is felt.
const DISTANT: Duration = Duration::from_millis(10);

/// The findings, and the id of the database's history.
pub(super) async fn examine(config: &Config) -> (Vec<Finding>, Option<String>) {
    let url = config.database_url();
    let shown = url.without_password();
    match look(url.reveal(), PATIENCE).await {
        Ok(None) => (vec![Finding::note(CHECK, format!("{shown} is not there yet; the first start makes it"))], None),
        Ok(Some(examined)) => {
            let mut findings = judge(config, &shown, &examined);
            if url.is_sqlite() {
                findings.push(damage(url.reveal(), &shown).await);
            }
            if matches!(examined.schema, Schema::Fresh | Schema::Ahead(_)) {
                findings.push(unreadable(url.reveal()).await);
                findings.push(super::search::examine(url.reveal()).await);
                findings.extend(super::numbers::examine(url.reveal()).await);
                findings.extend(names(url.reveal()).await);
            }
            findings.extend(history(examined.record.as_ref(), parts::clock()()));
            if !url.is_sqlite() {
                findings.extend(super::nodes::judge(config, &examined));
            }
            (findings, examined.epoch)
        }
        Err(error) => {
            let cure = if url.is_sqlite() {
                "see that the file is a SQLite database which the server's user may read and write; restore it from a \
                 backup if it is damaged"
            } else {
                "see that PostgreSQL runs and that database.url has its address, user, password and database: \
                 psql \"$DATABASE_URL\""
            };
            (vec![Finding::problem(CHECK, format!("{shown}: {error}"), cure)], None)
        }
    }
}

fn judge(config: &Config, shown: &str, examined: &Examined) -> Vec<Finding> {
    let answered = format!("{shown} answers: {}", examined.version);
    let mut findings = vec![Finding::good(CHECK, answered)];
    if (1..OLDEST).contains(&examined.version_number) {
        let says = format!("{} is older than 13, with which nobody has tried this", examined.version);
        findings.push(Finding::warning(CHECK, says, "use PostgreSQL 15 or later"));
    }
    if examined.round_trip > DISTANT {
        let says = format!("a question takes {} ms; every send asks a handful", examined.round_trip.as_millis());
        findings.push(Finding::warning(CHECK, says, "bring the database nearer to the nodes"));
    }
    if let Some(why) = &examined.read_only {
        let cure = "use the primary server, with a user who may write; on SQLite, let the server's user write the file";
        findings.push(Finding::problem(CHECK, format!("nothing can be written: {why}"), cure));
    }
    findings.push(schema(config, &examined.schema));
    findings.extend(durability(examined));
    findings.extend(connections(config, examined));
    findings.extend(examined.clock.map(|theirs| clock::compare("the database's", parts::clock()().0, theirs)));
    findings
}

/// Whether the database has come back as another history not long ago.
fn history(record: Option<&Record>, now: chat::Millis) -> Option<Finding> {
    let record = record.filter(|record| now.0 - record.at < RECENT)?;
    let says = format!("since {} this is another history than before: {}", Time(chat::Millis(record.at)), record.why);
    Some(Finding::warning(
        CHECK,
        says,
        "find out what was lost between: what was acknowledged there, also log-outs, removals and deactivations, must \
         be done again (docs/operate/many-nodes.md says how PostgreSQL keeps it)",
    ))
}

fn schema(config: &Config, schema: &Schema) -> Finding {
    const TABLES: &str = "tables";
    match schema {
        Schema::Fresh => Finding::good(TABLES, schema.to_string()),
        Schema::Absent | Schema::Behind(_) if config.database.auto_migrate => {
            Finding::note(TABLES, format!("{schema}; the next start makes them"))
        }
        Schema::Absent | Schema::Behind(_) => Finding::problem(TABLES, schema.to_string(), "palabre migrate"),
        Schema::Ahead(_) => Finding::warning(TABLES, schema.to_string(), "install that version here too"),
        Schema::Beyond(_) => Finding::problem(
            TABLES,
            schema.to_string(),
            "install that version here; going back needs a backup from before the change",
        ),
        Schema::Foreign(_) => Finding::problem(
            TABLES,
            schema.to_string(),
            "see the log of the start that made it; restore the backup from before if the tables are half-made",
        ),
    }
}

fn durability(examined: &Examined) -> Vec<Finding> {
    const DURABILITY: &str = "durable";
    let relaxed = examined.durability.iter().filter(|setting| !setting.durable);
    let mut findings: Vec<Finding> = relaxed
        .map(|setting| {
            Finding::warning(
                DURABILITY,
                format!("{} is {}: what was acknowledged may be lost in a power cut", setting.name, setting.value),
                match setting.name {
                    "journal_mode" => "put the database on a disk of this machine; network file systems cannot do WAL",
                    _ => "set it to on in postgresql.conf, and restart PostgreSQL",
                },
            )
        })
        .collect();
    if findings.is_empty() {
        let all: Vec<String> = examined.durability.iter().map(|s| format!("{} {}", s.name, s.value)).collect();
        findings.push(Finding::good(DURABILITY, all.join(", ")));
    }
    findings
}

/// Whether PostgreSQL has room for this node's connections, and for how many such nodes.
fn connections(config: &Config, examined: &Examined) -> Option<Finding> {
    let (accepted, wanted) = (examined.connections?, i64::from(config.database.max_connections));
    let nodes = (accepted - RESERVED) / wanted;
    let says = format!("PostgreSQL accepts {accepted} connections, a node holds {wanted}: room for {nodes} nodes");
    Some(if nodes < 1 {
        Finding::problem(CHECK, says, "raise max_connections in PostgreSQL, or lower database.max_connections")
    } else if nodes < 2 {
        let cure = "raise max_connections in PostgreSQL, or lower database.max_connections: a rolling restart has one \
                    node more for a while";
        Finding::warning(CHECK, says, cure)
    } else {
        Finding::good(CHECK, says)
    })
}

/// Whether every row can be read. One that cannot stops nothing but itself; but what it held is missing.
async fn unreadable(url: &str) -> Finding {
    const ROWS: &str = "rows";
    match unreadable_rows(url).await {
        Ok(found) if found.is_empty() => Finding::good(ROWS, "every row can be read"),
        Ok(found) => Finding::warning(
            ROWS,
            format!("not to be read: {}", found.join("; ")),
            "mend them by hand from a backup; until then they are left out, or shown without what is wrong in them",
        ),
        Err(error) => Finding::warning(ROWS, format!("cannot be looked through: {error}"), "see the lines above"),
    }
}

/// Reports what happened to names when their keys were made: rooms that had to be renamed, and names that look alike.
async fn names(url: &str) -> Vec<Finding> {
    const NAMES: &str = "names";
    match name_findings(url, NAMED).await {
        Ok(found) if found.is_empty() => vec![Finding::good(NAMES, "no two public rooms or usernames look alike")],
        Ok(found) => found.iter().map(|one| name(NAMES, one)).collect(),
        Err(error) => {
            vec![Finding::warning(NAMES, format!("cannot be looked through: {error}"), "see the lines above")]
        }
    }
}

fn name(check: &'static str, found: &store::names::NameFinding) -> Finding {
    let store::names::NameFinding { noun, subject, what, was, name, other } = found;
    let quoted = |name: &Option<String>| format!("{:?}", name.as_deref().unwrap_or_default());
    match (noun.as_str(), what.as_str()) {
        ("room", "renamed") => Finding::warning(
            check,
            format!("public room {subject} is called {} now: room {other} has its name {}", quoted(name), quoted(was)),
            "tell its owner, who can give it another name",
        ),
        ("room", _) => Finding::warning(
            check,
            format!("the name {} of public room {subject} looks like that of room {other}", quoted(name)),
            "see whether one pretends to be the other; an administrator can rename it",
        ),
        _ => Finding::note(check, format!("the username of account {subject} looks like that of account {other}")),
    }
}

async fn damage(url: &str, shown: &str) -> Finding {
    let cure = "stop the server, keep the file, and restore the last good backup";
    match check_file(url).await {
        Ok(lines) if lines.is_empty() => Finding::good(CHECK, "integrity_check finds no damage"),
        Ok(lines) => Finding::problem(CHECK, format!("{shown} is damaged: {}", lines.join("; ")), cure),
        Err(error) => Finding::problem(CHECK, format!("{shown} cannot be checked: {error}"), cure),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::{
        Schema,
        doctor::{Examined, Setting},
        history::Record,
        names::NameFinding,
    };

    use super::{
        super::finding::{Finding, Level},
        history, judge, name,
    };
    use crate::config::Config;

    fn healthy() -> Examined {
        Examined {
            version: "PostgreSQL 15".to_owned(),
            version_number: 150_000,
            durability: vec![Setting { name: "fsync", value: "on".to_owned(), durable: true }],
            read_only: None,
            connections: Some(100),
            clock: None,
            round_trip: Duration::from_millis(1),
            schema: Schema::Fresh,
            epoch: None,
            record: None,
            nodes: Vec::new(),
        }
    }

    fn worst(change: impl Fn(&mut Examined, &mut Config)) -> (Level, Vec<Finding>) {
        let (mut examined, mut config) = (healthy(), Config::default());
        change(&mut examined, &mut config);
        let findings = judge(&config, "it", &examined);
        (findings.iter().map(|finding| finding.level).max().expect("findings"), findings)
    }

    #[test]
    fn a_history_that_began_this_week_is_told() {
        let record =
            Record { from: "before".to_owned(), at: 1_000_000, why: "a node's transactions are gone".to_owned() };
        let told = |after: i64| history(Some(&record), chat::Millis(record.at + after));
        let says = told(60_000).map(|finding| finding.says).unwrap_or_default();
        assert!(says.contains("transactions are gone"), "{says}");
        assert_eq!(told(8 * 24 * 3_600_000), None);
        assert_eq!(history(None, chat::Millis(0)), None);
    }

    #[test]
    fn what_became_of_names_is_told_with_both_names() {
        let found = |noun: &str, what: &str| NameFinding {
            noun: noun.to_owned(),
            subject: 7,
            what: what.to_owned(),
            was: Some("Caf\u{e9}".to_owned()),
            name: Some("Caf\u{e9} (2)".to_owned()),
            other: 3,
        };
        let renamed = name("names", &found("room", "renamed"));
        assert!(renamed.level == Level::Warning && renamed.cure.is_some());
        assert_eq!(renamed.says, "public room 7 is called \"Caf\u{e9} (2)\" now: room 3 has its name \"Caf\u{e9}\"");
        assert_eq!(name("names", &found("room", "alike")).level, Level::Warning);
        let people = name("names", &found("user", "alike"));
        assert_eq!((people.level, people.cure), (Level::Note, None), "nobody can rename an account");
    }

    #[test]
    fn each_weakness_of_a_database_is_told_with_its_weight() {
        assert_eq!(worst(|_, _| {}).0, Level::Good);
        assert_eq!(worst(|it, _| it.version_number = 120_003).0, Level::Warning);
        assert_eq!(worst(|it, _| it.round_trip = Duration::from_millis(30)).0, Level::Warning);
        assert_eq!(worst(|it, _| it.read_only = Some("standby".to_owned())).0, Level::Problem);
        assert_eq!(worst(|it, _| it.durability[0].durable = false).0, Level::Warning);
        assert_eq!(worst(|it, _| it.connections = Some(30)).0, Level::Warning);
        assert_eq!(worst(|it, _| it.connections = Some(20)).0, Level::Problem);
        assert_eq!(worst(|it, _| it.schema = Schema::Behind(1)).0, Level::Note);
        assert_eq!(worst(|it, _| it.schema = Schema::Ahead(9)).0, Level::Warning);
        assert_eq!(worst(|it, _| it.schema = Schema::Beyond(9)).0, Level::Problem);
        assert_eq!(worst(|it, _| it.schema = Schema::Foreign(2)).0, Level::Problem);
        let by_hand = worst(|it, config| {
            (it.schema, config.database.auto_migrate) = (Schema::Absent, false);
        });
        assert!(by_hand.0 == Level::Problem && by_hand.1.iter().any(|f| f.cure.as_deref() == Some("palabre migrate")));
    }
}
