//! The REST interface, used to prepare a test and by the fresh reader at its end.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    checker::{AccountEvent, AccountLog, AccountWord, Content, Log, Marker, Reminder, Row},
    rest::Rest,
};

/// A client of a server's REST interface.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    http: reqwest::Client,
}

impl Api {
    /// A client of the server at this address, `HOST:PORT`.
    #[must_use]
    pub fn at(address: impl std::fmt::Display) -> Self {
        Self { base: format!("http://{address}"), http: Rest::client() }
    }

    /// Makes a GET request.
    ///
    /// # Errors
    /// If it is refused, or the server cannot be reached.
    pub async fn get(&self, token: &str, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}/v1/{path}", self.base)).bearer_auth(token);
        Self::answer(path, request).await
    }

    /// Makes a POST request; an empty token means none, a `null` body means none.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Result<Value> {
        let mut request = self.http.post(format!("{}/v1/{path}", self.base));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        Self::answer(path, request).await
    }

    async fn answer(path: &str, request: reqwest::RequestBuilder) -> Result<Value> {
        let mut tries = 0;
        loop {
            let again = request.try_clone().context("a request that cannot be repeated")?;
            let answer = again.timeout(Duration::from_secs(20)).send().await?;
            let status = answer.status();
            let text = answer.text().await?;
            if status.is_success() {
                return Ok(serde_json::from_str(&text).unwrap_or_default());
            }
            // A server with a deliberate fault may not know yet what it has acknowledged. The checker finds that out;
            // here it must not stop the preparation.
            tries += 1;
            if tries > 20 || !matches!(status.as_u16(), 401 | 403 | 404) {
                bail!("{path} was answered with {status}: {text}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Reads everything that is kept of a conversation. `base` is its head from before the test.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn dump(&self, token: &str, conversation: i64, base: i64) -> Result<Log> {
        let place = format!("conversations/{conversation}");
        let listed = self.get(token, &place).await?;
        let number = |value: &Value| value.as_i64().context("a number is missing");
        let mut log = Log { conversation, base, head: number(&listed["head"])?, ..Log::default() };
        log.others.extend(1..=base);
        log.others.push(number(&listed["rev"])?);
        let members = self.get(token, &format!("{place}/members?limit=200")).await?;
        let members = members["members"].as_array().context("no members")?;
        log.others.extend(members.iter().filter_map(|member| member["rev"].as_i64()));
        log.members.extend(members.iter().filter_map(|member| member["user"]["id"].as_i64()));
        let mut after = 0;
        loop {
            let page = self.get(token, &format!("{place}/messages?after_seq={after}&limit=200")).await?;
            let messages = page["messages"].as_array().context("no messages")?;
            for message in messages {
                log.rows.push(row(message).context("an unreadable message")?);
            }
            match log.rows.last() {
                Some(row) if row.seq > after && !messages.is_empty() => after = row.seq,
                _ => return Ok(log),
            }
        }
    }

    /// The newest messages that somebody finds in a conversation by a search of words and names, at most so many and a
    /// page, and whether that is all.
    ///
    /// # Errors
    /// If they cannot be asked for.
    pub async fn search(&self, token: &str, conversation: i64, q: &str, most: usize) -> Result<(Vec<Row>, bool)> {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        while rows.len() < most {
            let mut path = format!("search/messages?q={}&conversation={conversation}&limit=200", q.replace(' ', "%20"));
            if let Some(cursor) = &cursor {
                path = format!("{path}&cursor={cursor}");
            }
            let page = self.get(token, &path).await?;
            let results = page["results"].as_array().context("no results")?;
            rows.extend(results.iter().filter_map(|result| row(&result["message"])));
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok((rows, true));
            }
        }
        Ok((rows, false))
    }

    /// Reads an account's state.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn account(&self, token: &str, user: i64) -> Result<AccountLog> {
        let mut log = AccountLog { user, ..AccountLog::default() };
        loop {
            let changes = self.get(token, &format!("users/me/changes?since={}", log.seq)).await?;
            log.seq = changes["to"].as_i64().context("changes without their end")?;
            if changes["more"] != true {
                break;
            }
        }
        let listed = self.get(token, "conversations?limit=200").await?;
        let listed = listed["conversations"].as_array().context("no conversations")?;
        log.conversations.extend(listed.iter().filter_map(|one| one["id"].as_i64()));
        let drafts = self.get(token, "drafts").await?;
        for draft in drafts["drafts"].as_array().context("no drafts")? {
            let place = draft["conversation"].as_i64().context("a draft without a place")?;
            log.drafts.insert(place, Content::of(draft["text"].as_str().unwrap_or_default()));
        }
        Ok(log)
    }

    /// Reads a member's read marker and unread count.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn marker(&self, token: &str, user: i64, conversation: i64) -> Result<Marker> {
        let listed = self.get(token, &format!("conversations/{conversation}")).await?;
        let number = |name: &str| listed[name].as_i64().with_context(|| format!("a conversation without {name}"));
        Ok(Marker { user, read_seq: number("read_seq")?, unread: number("unread")? })
    }

    /// Reads all reminders of a user.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn reminders(&self, token: &str, user: i64) -> Result<Vec<Reminder>> {
        let listed = self.get(token, "reminders").await?;
        let number = |one: &Value, name: &str| one[name].as_i64().with_context(|| format!("a reminder without {name}"));
        let read = |one: &Value| {
            let due = one["due"].as_bool().context("a reminder that may be due")?;
            let (conversation, seq) = (number(one, "conversation")?, number(one, "seq")?);
            Ok(Reminder { user, id: number(one, "id")?, conversation, seq, due })
        };
        listed["reminders"].as_array().context("no reminders")?.iter().map(read).collect()
    }
}

/// Parses an event of an account into the checker's form; `None` if it is none.
#[must_use]
pub fn account_event(frame: &Value) -> Option<AccountEvent> {
    let seq = frame["account_seq"].as_i64()?;
    let after = frame["account_after"].as_i64().unwrap_or(seq - 1);
    let (place, data) = (frame["conversation"].as_i64().unwrap_or_default(), &frame["data"]);
    let says = match frame["type"].as_str()? {
        "conversation.added" => AccountWord::Added(place),
        "conversation.removed" => AccountWord::Removed(place),
        "draft.saved" => AccountWord::Draft(place, Content::of(data["text"].as_str()?)),
        "draft.discarded" => AccountWord::NoDraft(place),
        _ => AccountWord::Other,
    };
    Some(AccountEvent { seq, after, says })
}

/// Parses a message of the protocol into the checker's form; `None` if it is none.
#[must_use]
pub fn row(message: &Value) -> Option<Row> {
    let mut reactions: Vec<String> = message["reactions"].as_array()?.iter().map(Value::to_string).collect();
    reactions.sort_unstable();
    Some(Row {
        seq: message["seq"].as_i64()?,
        rev: message["rev"].as_i64()?,
        id: message["id"].as_i64()?,
        author: message["author"]["id"].as_i64()?,
        cid: message["client_id"].as_str().map(str::to_owned),
        content: message["text"].as_str().map(Content::of),
        reactions: Content::of(&reactions.concat()),
    })
}
