//! Suggestions while somebody types a search: operators, people, and rooms of theirs. Words are not suggested: which
//! words there are in the conversations of one person is in no index, and those of all would tell what others write.

use chat::{
    Error, Reply, Result, UserId,
    accounts::Account,
    conversations::Conversation,
    permission,
    search::{
        Meant, Suggestion,
        completing::{self, Beginning, Begun},
    },
};
use store::Conn;

use crate::Call;

/// Suggestions at most.
const MOST: i64 = 20;
/// People of whom somebody who may not list them is shown those whom they know.
const LOOKED_AT: i64 = 50;

impl Call {
    pub(crate) async fn complete_search(&self, q: &str, limit: i64) -> Result<Reply> {
        let Begun { from, what } = completing::begun(q, self.search_bounds())?;
        let limit = limit.clamp(1, MOST);
        let mut suggestions = completing::fixed(what);
        match what {
            Beginning::Value("from", name) => suggestions.extend(self.people_called(name, limit).await?),
            Beginning::Value("in", name) => suggestions.extend(self.places_called(name, limit).await?),
            _ => {}
        }
        suggestions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Reply::Suggestions { from, suggestions })
    }

    /// Why a name is not looked for.
    fn check_begun(&self, name: &str) -> Result<()> {
        let most = self.settings.limits.name_length;
        if name.chars().count() as i64 > most {
            return Err(Error::invalid("q", format!("A name has at most {most} characters.")));
        }
        Ok(())
    }

    async fn people_called(&self, name: &str, limit: i64) -> Result<Vec<Suggestion>> {
        let name = name.strip_prefix('@').unwrap_or(name);
        self.check_begun(name)?;
        let mut conn = self.db.read().await?;
        let suggestion = |account: Account| {
            let text = completing::written("from", &account.username)?;
            Some(Suggestion { text, meaning: Some(Meant::Person(Box::new(account))) })
        };
        Ok(self.known_people(&mut conn, name, limit).await?.into_iter().filter_map(suggestion).collect())
    }

    /// People whose names begin so and whom the speaker may know of: whoever is called exactly so comes first.
    async fn known_people(&self, conn: &mut Conn, name: &str, limit: i64) -> Result<Vec<Account>> {
        let may_roam = permission::may_roam(self.speaker.role);
        let mut people: Vec<Account> = store::accounts::by_name(conn, name).await?.into_iter().collect();
        let looked_at = if may_roam { limit } else { LOOKED_AT };
        for account in store::accounts::page(conn, name, UserId(0), looked_at).await? {
            if people.iter().all(|known| known.id != account.id) {
                people.push(account);
            }
        }
        if may_roam {
            return Ok(people);
        }
        let mut known = Vec::new();
        for account in people {
            let me = self.speaker.user;
            if account.id == me || store::members::share(conn, me, account.id).await? {
                known.push(account);
            }
        }
        Ok(known)
    }

    /// Rooms of the speaker, or, after `@`, people with whom they have a direct conversation.
    async fn places_called(&self, name: &str, limit: i64) -> Result<Vec<Suggestion>> {
        self.check_begun(name)?;
        let mut conn = self.db.read().await?;
        let mut suggestions = Vec::new();
        if let Some(name) = name.strip_prefix('@') {
            for account in self.known_people(&mut conn, name, LOOKED_AT).await? {
                let me = self.speaker.user;
                let (low, high) = (me.min(account.id), me.max(account.id));
                if store::conversations::by_pair(&mut conn, low, high).await?.is_some() {
                    let text = format!("in:@{}", account.username);
                    suggestions.push(Suggestion { text, meaning: Some(Meant::Person(Box::new(account))) });
                }
            }
            return Ok(suggestions);
        }
        let name = name.strip_prefix('#').unwrap_or(name);
        for room in store::conversations::own_rooms(&mut conn, self.speaker.user, name, limit).await? {
            let text = self.place_written(&mut conn, &room).await?;
            suggestions.push(Suggestion { text, meaning: Some(Meant::Room(Box::new(room))) });
        }
        Ok(suggestions)
    }

    /// How a room is written in a search: by its name if that means this room, or else by its id.
    async fn place_written(&self, conn: &mut Conn, room: &Conversation) -> Result<String> {
        let name = room.name.as_deref().unwrap_or_default();
        if let Some(text) = completing::written("in", name)
            && self.place(conn, name).await? == Some(room.id)
        {
            return Ok(text);
        }
        Ok(format!("in:{}", room.id))
    }
}
