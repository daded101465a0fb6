//! The people of a load: users of a host application, known to the server by the host's tokens, so that
//! thousands of them need no password. The same names come back in the next run.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use super::socket::{Socket, Target};

/// Connections that are being set up at the same time, where the number is not itself the question.
pub const SETUP: usize = 64;

/// The server and the secret that makes its users.
#[derive(Clone)]
pub struct Host {
    /// Where the server's nodes are, and whose turn it is.
    targets: Arc<(Vec<Target>, AtomicUsize)>,
    key: Arc<EncodingKey>,
    now: u64,
}

/// The server's answer to a client that has authenticated.
pub struct Welcome {
    /// The client's account.
    pub user: i64,
    /// The head of each conversation that one belongs to.
    pub heads: HashMap<i64, i64>,
}

/// A user of the host application.
#[derive(Clone, Debug)]
pub struct Person {
    /// The name on the server.
    pub name: String,
    /// The credential.
    pub token: String,
}

#[derive(serde::Serialize)]
struct Claims<'a> {
    user_id: String,
    username: &'a str,
    role: &'static str,
    iat: u64,
    exp: u64,
}

impl Host {
    /// A host application with this secret.
    ///
    /// # Errors
    /// If the clock stands before 1970.
    pub fn new(targets: Vec<Target>, secret: &str) -> Result<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        Ok(Self {
            targets: Arc::new((targets, AtomicUsize::new(0))),
            key: Arc::new(EncodingKey::from_secret(secret.as_bytes())),
            now,
        })
    }

    /// The `index`th person of a work.
    ///
    /// # Errors
    /// If the token cannot be signed.
    pub fn person(&self, work: &str, index: usize) -> Result<Person> {
        let name = format!("bench-{work}-{index}");
        // Numbers, because that is what old host applications have.
        let salt = work.bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 9_000);
        let id = 1_000_000_000 + salt * 100_000 + index as u64;
        let claims = Claims {
            user_id: id.to_string(),
            username: &name,
            role: "user",
            iat: self.now.saturating_sub(5),
            exp: self.now + 86_400,
        };
        let token = jsonwebtoken::encode(&Header::default(), &claims, &self.key)?;
        Ok(Person { name, token })
    }

    /// The first `count` people of a work.
    ///
    /// # Errors
    /// As [`Host::person`].
    pub fn people(&self, work: &str, count: usize) -> Result<Vec<Person>> {
        (0..count).map(|index| self.person(work, index)).collect()
    }

    /// A connection to the node whose turn it is.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn open(&self) -> Result<Socket> {
        let (targets, turn) = &*self.targets;
        let turn = turn.fetch_add(1, Ordering::Relaxed) % targets.len().max(1);
        Socket::open(targets.get(turn).context("the load needs --url")?).await
    }

    /// Connects and authenticates a person who wants nothing caught up.
    ///
    /// # Errors
    /// If the server cannot be reached or does not know the person.
    pub async fn enter(&self, person: &Person) -> Result<(Socket, Welcome)> {
        let mut socket = self.open().await?;
        let told = socket.call("authenticate", &json!({"token": person.token})).await?;
        let user = told["user"]["id"].as_i64().context("the server did not tell the user's id")?;
        let listed = told["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
        let heads = listed.iter().filter_map(|one| Some((one["id"].as_i64()?, one["head"].as_i64()?))).collect();
        Ok((socket, Welcome { user, heads }))
    }

    /// The room of this name, which the person opens if it is not there.
    ///
    /// # Errors
    /// If it can neither be opened nor found.
    pub async fn room(&self, person: &Person, name: &str) -> Result<i64> {
        let rooms = self.rooms(person, [name.to_owned()]).await?;
        rooms.first().copied().context("no room was wanted")
    }

    /// The rooms of these names, which the person opens where they are not there, over one connection.
    ///
    /// # Errors
    /// If one can neither be opened nor found.
    pub async fn rooms(&self, person: &Person, names: impl IntoIterator<Item = String>) -> Result<Vec<i64>> {
        let (mut socket, _) = self.enter(person).await?;
        let mut rooms = Vec::new();
        for name in names {
            let wanted = json!({"kind": "room", "name": name, "visibility": "public"});
            let room = match socket.call("room.get", &json!({"name": name})).await {
                Ok(room) => room,
                Err(_) => socket.call("conversation.create", &wanted).await?,
            };
            rooms.push(id_of(&room).with_context(|| format!("the server did not tell the id of {name}"))?);
        }
        socket.cut();
        Ok(rooms)
    }

    /// Makes each person a member of their rooms, over one connection. Nobody stays connected, so nobody is told.
    ///
    /// # Errors
    /// If one is refused.
    pub async fn join(&self, members: Vec<(Person, i64)>) -> Result<()> {
        let mut rooms_of: HashMap<String, (Person, Vec<i64>)> = HashMap::new();
        for (person, room) in members {
            rooms_of.entry(person.name.clone()).or_insert((person, Vec::new())).1.push(room);
        }
        let host = self.clone();
        together(rooms_of.into_values().collect(), SETUP, move |(person, rooms)| {
            let host = host.clone();
            async move {
                let (mut socket, welcome) = host.enter(&person).await?;
                for room in rooms.into_iter().filter(|room| !welcome.heads.contains_key(room)) {
                    socket.call("conversation.join", &json!({"conversation": room})).await?;
                }
                socket.cut();
                Ok(())
            }
        })
        .await
        .map(drop)
    }

    /// The direct conversation of each pair.
    ///
    /// # Errors
    /// If one is refused.
    pub async fn pairs(&self, pairs: Vec<(Person, Person)>) -> Result<Vec<i64>> {
        let host = self.clone();
        together(pairs, SETUP, move |(one, other)| {
            let host = host.clone();
            async move {
                let (socket, welcome) = host.enter(&other).await?;
                socket.cut();
                let (mut socket, _) = host.enter(&one).await?;
                let wanted = json!({"kind": "direct", "user": welcome.user});
                let direct = socket.call("conversation.create", &wanted).await?;
                socket.cut();
                id_of(&direct).context("the server did not tell the id of a direct conversation")
            }
        })
        .await
    }
}

fn id_of(conversation: &Value) -> Option<i64> {
    conversation["id"].as_i64()
}

/// Does something for each item, at most `width` at a time; the results in the order of the items.
///
/// # Errors
/// The first that occurs; the rest is given up.
pub async fn together<I, T, F, W>(items: Vec<I>, width: usize, work: F) -> Result<Vec<T>>
where
    I: Send + 'static,
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
    F: Fn(I) -> W,
{
    let (gate, mut tasks) = (Arc::new(Semaphore::new(width)), JoinSet::new());
    let count = items.len();
    for (place, item) in items.into_iter().enumerate() {
        let (gate, work) = (Arc::clone(&gate), work(item));
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await?;
            let done = tokio::time::timeout(Duration::from_secs(600), work).await.context("nothing for 600 s")?;
            Ok::<_, anyhow::Error>((place, done?))
        });
    }
    let mut results: Vec<Option<T>> = (0..count).map(|_| None).collect();
    while let Some(done) = tasks.join_next().await {
        let (place, result) = done??;
        results[place] = Some(result);
    }
    let results: Vec<T> = results.into_iter().flatten().collect();
    if results.len() != count {
        bail!("a task vanished");
    }
    Ok(results)
}
