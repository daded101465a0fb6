//! Whom a host application's clients mean by a number: the way in of what [`subscribers::Numbers`] is the way out.
//!
//! A dialect of an old system asks for people by the numbers of its host. Here they become our ids before the engine
//! sees them, so that nothing is ever done to somebody whom the host does not mean.

use std::collections::HashMap;

use chat::{
    Command, Error, ErrorCode, Query, Result, UserId,
    accounts::Speaker,
    identities::{HostNumber, Identity, NumberMeaning, Numbering},
    people::{NamesPeople, named_in},
    sessions::{Tokens, Visited},
};
use dialects::Dialect;
use engine::Arrival;

use crate::{Endpoint, Shared};

impl Endpoint {
    /// Refuses whom this endpoint's clients could not know by a number: people of another host, and those whose id in
    /// this one is no number, or one that here means somebody else.
    pub(crate) fn check_number(&self, arrival: &Arrival) -> Result<()> {
        let Some(numbering) = self.shared.numbers.numbering(self.dialect) else { return Ok(()) };
        let Some(Identity { issuer, subject }) = &arrival.identity else { return Ok(()) };
        let why = if *issuer != numbering.issuer {
            format!("The token is of the host {issuer}, and this endpoint is that of {}.", numbering.issuer)
        } else if numbering.number_of_subject(subject).is_none() {
            format!(
                "The token's user_id or sub is no number from 1 to {}, and this endpoint knows people by such numbers.",
                numbering.offset - 1
            )
        } else {
            return Ok(());
        };
        tracing::warn!(host = issuer, user = %arrival.speaker.user, endpoint = self.dialect.name, "refused: {why}");
        Err(Error::new(ErrorCode::Unauthenticated, why))
    }
}

impl Shared {
    /// A command with our ids in the place of the host's numbers. Those whom it would bring together or write to, and
    /// who have not come yet, get an account that is theirs when they come, where the host's people do.
    pub(crate) async fn meant_by_command(
        &self,
        dialect: Dialect,
        speaker: &Speaker,
        mut command: Command,
    ) -> Result<Command> {
        let Some(numbering) = self.numbers.numbering(dialect) else { return Ok(command) };
        let named = named_in(&command);
        let mut known = self.known(dialect, numbering, &named).await?;
        let brings =
            matches!(command, Command::OpenDirect { .. } | Command::AddMember { .. } | Command::CreateGroup { .. });
        let mut awaited: HashMap<Identity, HostNumber> = HashMap::new();
        for number in named.into_iter().map(|user| HostNumber(user.0)).filter(|number| !known.contains_key(number)) {
            match numbering.meaning(number) {
                NumberMeaning::Subject(subject) if brings => {
                    awaited.insert(Identity { issuer: numbering.issuer.clone(), subject }, number);
                }
                _ => return Err(Error::not_found("user")),
            }
        }
        if !awaited.is_empty() {
            let (others, identities) = (known.values().copied().collect(), awaited.keys().cloned().collect());
            let accounts = self.engine.accounts_awaited(speaker, &command, others, identities).await?;
            let of = |identity: &Identity| accounts.get(identity).copied();
            known.extend(awaited.iter().filter_map(|(identity, number)| Some((*number, of(identity)?))));
        }
        put_into(&mut command, &known)?;
        Ok(command)
    }

    /// A question with our ids in the place of the host's numbers. Of those about whom several are asked, nobody is
    /// whom the number of a stranger means.
    pub(crate) async fn meant_by_query(&self, dialect: Dialect, mut query: Query) -> Result<Query> {
        let Some(numbering) = self.numbers.numbering(dialect) else { return Ok(query) };
        let known = self.known(dialect, numbering, &named_in(&query)).await?;
        match &mut query {
            Query::UsersById { users, revs } => {
                let keep: Vec<bool> = users.iter().map(|user| known.contains_key(&HostNumber(user.0))).collect();
                let mut places = keep.iter();
                users.retain(|_| places.next().copied().unwrap_or(false));
                let mut places = keep.iter();
                revs.retain(|_| places.next().copied().unwrap_or(false));
            }
            Query::Presence(users) => users.retain(|user| known.contains_key(&HostNumber(user.0))),
            _ => {}
        }
        put_into(&mut query, &known)?;
        Ok(query)
    }

    async fn known(
        &self,
        dialect: Dialect,
        numbering: &Numbering,
        named: &[UserId],
    ) -> Result<HashMap<HostNumber, UserId>> {
        let mut known = HashMap::new();
        let mut asked = Vec::new();
        for number in named.iter().map(|user| HostNumber(user.0)) {
            match self.numbers.meant(dialect, number) {
                Some(user) => drop(known.insert(number, user)),
                None => asked.push(number),
            }
        }
        if !asked.is_empty() {
            known.extend(self.engine.accounts_of_numbers(numbering, &asked).await?);
        }
        Ok(known)
    }

    /// The result of a visit, as the clients of a host are shown it: their own number is in their token, too.
    pub(crate) async fn shown_to_visitor(&self, dialect: Dialect, visited: Visited) -> Result<Visited> {
        let Visited::In(tokens) = visited else { return Ok(visited) };
        self.numbers.learn(&[tokens.account.id]).await;
        let Some(number) = self.numbers.number(dialect, tokens.account.id) else { return Ok(Visited::In(tokens)) };
        let tokens = self.engine.tokens_for_host(*tokens, number)?;
        let account = self.numbers.spoken(dialect, tokens.account.clone());
        Ok(Visited::In(Box::new(Tokens { account, ..tokens })))
    }
}

fn put_into(value: &mut impl NamesPeople, known: &HashMap<HostNumber, UserId>) -> Result<()> {
    let mut is_known = true;
    value.each_person(&mut |user| match known.get(&HostNumber(user.0)) {
        Some(meant) => *user = *meant,
        None => is_known = false,
    });
    if is_known { Ok(()) } else { Err(Error::not_found("user")) }
}
