//! `palabre policy` and `palabre explain`: who may do what in a conversation, and why.

use chat::{
    ConversationId, Number, UserId,
    accounts::ServerRole,
    members::Role,
    notifications::{FOREVER, NotificationDecision, Why},
    policies::{Ability, Decision, Explanation, Grant, Reason},
    push_devices::{PushExplained, PushState},
};
use clap::Subcommand;
use dialects::time::Time;
use engine::{notifications, policies};

use super::{
    operator::{open, table},
    say,
};
use crate::config::Loaded;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set which role an ability needs in a conversation
    ///
    /// A running server obeys at once. What is set for see_earlier_history counts for those who join from then on.
    Set {
        /// The conversation's id
        #[arg(long, value_name = "ID")]
        conversation: i64,
        #[arg(long, value_name = "NAME", value_parser = ability, help = abilities())]
        ability: Ability,
        /// The least role for it: member, moderator, admin or owner; default to go back to the default
        #[arg(long, value_name = "ROLE", value_parser = rule)]
        role: Rule,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The conversation's id
    #[arg(long, value_name = "ID")]
    conversation: i64,
    /// The member's id
    #[arg(long, value_name = "ID")]
    user: i64,
    /// The number of a message: says whether it notified the member, and why or why not
    #[arg(long, value_name = "SEQ")]
    message: Option<i64>,
}

/// A role that is to be needed; none for the default.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule(Option<Role>);

/// The names of the abilities that an operator may set, for the help.
fn abilities() -> String {
    let settable = Ability::ALL.into_iter().filter(|ability| ability.is_configurable());
    format!("What: {}", settable.map(Ability::name).collect::<Vec<_>>().join(", "))
}

fn ability(name: &str) -> Result<Ability, String> {
    Ability::from_name(name).ok_or_else(|| "there is no such ability".to_owned())
}

fn rule(name: &str) -> Result<Rule, String> {
    if name == "default" {
        return Ok(Rule(None));
    }
    Role::from_name(name).map(|role| Rule(Some(role))).ok_or_else(|| "there is no such role".to_owned())
}

pub(super) async fn run(command: Command, loaded: Loaded) -> anyhow::Result<()> {
    let engine = open(&loaded.config, None).await?;
    let Command::Set { conversation, ability, role } = command;
    policies::set_rule(&engine, ConversationId(conversation), ability, role.0).await?;
    let needed = role.0.map_or("the default role", Role::name);
    say(&format!("{} in conversation {conversation} takes {needed}", ability.name()))
}

/// `palabre explain`
pub(super) async fn explain(args: Args, loaded: Loaded) -> anyhow::Result<()> {
    let engine = open(&loaded.config, None).await?;
    if let Some(seq) = args.message {
        let (conversation, user) = (ConversationId(args.conversation), UserId(args.user));
        let (decision, pushes) = notifications::explain(&engine, conversation, user, Number(seq)).await?;
        return say(&format!("{}{}", shown_notification(&decision), shown_pushes(&pushes, Number(seq))));
    }
    let found = policies::explain(&engine, ConversationId(args.conversation), UserId(args.user)).await?;
    say(&shown(&found.0, found.1))
}

fn shown(explanation: &Explanation, server_role: ServerRole) -> String {
    let Explanation { role, acting_role, visible_from, decisions } = explanation;
    let mut whole = format!("role: {}\n", role.name());
    if acting_role != role {
        whole += &format!("acts as: {}, being {} of the server\n", acting_role.name(), server_role.name());
    }
    if visible_from.0 > 0 {
        whole += &format!("sees messages from number {visible_from} on\n");
    }
    let rows: Vec<Vec<String>> = decisions.iter().map(row).collect();
    whole + &table(&rows)
}

/// The state of its pushes to the member's devices: a line for each.
fn shown_pushes(pushes: &[PushExplained], seq: Number) -> String {
    if pushes.is_empty() {
        return "\nthey are told on no device".to_owned();
    }
    let line = |one: &PushExplained| {
        let what = match one.state {
            None => "not told of it".to_owned(),
            Some(PushState::Waiting) => "waits to be told".to_owned(),
            Some(PushState::Sent) => "was told".to_owned(),
            Some(PushState::Read) => "was not told: they read it first".to_owned(),
            Some(PushState::GivenUp) => "could not be told".to_owned(),
        };
        let gathered = one.seq.filter(|told| *told > seq).map(|told| format!(", with those up to {told}"));
        let at = one.at.map(|at| format!(" ({})", Time(at)));
        let error = one.error.as_ref().map(|error| format!("; the push service said {error}"));
        let rest = [gathered, at, error].into_iter().flatten().collect::<String>();
        format!("\ndevice {}: {what}{rest}", one.device)
    };
    pushes.iter().map(line).collect()
}

/// By the member's present settings, at the moment when the message was sent.
fn shown_notification(decision: &NotificationDecision) -> String {
    let why = match &decision.why {
        Why::Own => "they wrote it".to_owned(),
        Why::Deleted => "it is deleted".to_owned(),
        Why::Read => "they have read it".to_owned(),
        Why::Muted { until: FOREVER } => "they have muted the conversation, without an end".to_owned(),
        Why::Muted { until } => format!("they have muted the conversation until {}", Time(*until)),
        Why::Nothing if decision.is_thread_level => "nothing in its thread notifies them".to_owned(),
        Why::Nothing => "nothing notifies them here".to_owned(),
        Why::NotMentioned if decision.is_thread_level => {
            "only mentions and keywords notify them in its thread, and there is none in it".to_owned()
        }
        Why::NotMentioned => "only mentions and keywords notify them here, and there is none in it".to_owned(),
        Why::QuietHours => "it came within their quiet hours".to_owned(),
        Why::Busy => "they asked not to be disturbed".to_owned(),
        Why::Mentioned => "it mentions them".to_owned(),
        // Keywords are private to their owner.
        Why::Keyword(_) => "one of their keywords is in it".to_owned(),
        Why::Everything if decision.is_thread_level => "everything in its thread notifies them".to_owned(),
        Why::Everything => "everything notifies them here".to_owned(),
    };
    let from = match (decision.is_thread_level, decision.is_own_level) {
        (true, _) => "of its thread",
        (false, true) => "set for this conversation",
        (false, false) => "as in others of its kind",
    };
    let verdict = if decision.notifies { "yes" } else { "no" };
    format!("notifies: {verdict}, because {why}\nlevel: {}, {from}\n", decision.level.name())
}

fn row(decision: &Decision) -> Vec<String> {
    let why = match decision.reason {
        Reason::Kind => "nobody may in a conversation of this kind".to_owned(),
        Reason::Role { needed, by_policy: false } => format!("by default it takes {}", needed.name()),
        Reason::Role { needed, by_policy: true } => format!("by this conversation's policy it takes {}", needed.name()),
        Reason::Grant(Grant { given, ends_at, .. }) => {
            let what = if given { "given to them" } else { "withdrawn from them" };
            let end = ends_at.map_or_else(|| "without an end".to_owned(), |end| format!("until {}", Time(end)));
            format!("{what} {end}")
        }
    };
    vec![decision.ability.name().to_owned(), if decision.may { "yes" } else { "no" }.to_owned(), why]
}
