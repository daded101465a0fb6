//! A push service of our own (RFC 8030), with browsers that have subscribed at it: it takes what a server sends only if
//! that is signed as it must be, and the browsers decrypt it.

use std::{
    collections::{HashMap, VecDeque},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Signer},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::town::now;

/// A push that must come does so within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// A push that must not come is waited for this long.
const QUIET: Duration = Duration::from_millis(2_500);
/// The longest head of a request that is read.
const LONGEST: usize = 16_384;

/// A push service.
pub struct PushService {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    /// The pushes, and the browsers that they were sent to.
    pushed: HashMap<String, VecDeque<Sent>>,
    /// With what the next requests for somebody are answered.
    answers: HashMap<String, VecDeque<(u16, &'static str)>>,
    /// For how long every request for somebody waits for its answer.
    dawdles: HashMap<String, Duration>,
    /// The server's key, by which browsers have subscribed.
    key: Option<String>,
    /// Requests that no push service would take.
    mistakes: Vec<String>,
    /// All requests.
    count: usize,
}

struct Sent {
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// A browser that has subscribed.
pub struct Browser {
    name: String,
    key: PrivateKey,
    public: Vec<u8>,
    secret: Vec<u8>,
    endpoint: String,
}

/// A push, as a browser got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pushed {
    /// The text that was encrypted for it.
    pub payload: Value,
    /// `Topic`
    pub topic: String,
    /// `Urgency`
    pub urgency: String,
    /// `TTL`
    pub ttl: i64,
}

impl PushService {
    /// A push service on this machine.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn opens() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let served = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = served.clone();
                tokio::spawn(async move {
                    // A request that breaks off is the sender's.
                    let _ended = serve(stream, address, &shared).await;
                });
            }
        });
        Self { address, shared }
    }

    /// A browser that subscribes for the server with this key.
    ///
    /// # Panics
    /// If no key can be made.
    #[must_use]
    pub fn browser(&self, name: &str, server_key: &str) -> Browser {
        self.inner().key = Some(server_key.to_owned());
        let key = PrivateKey::generate(&ECDH_P256).expect("a key");
        let public = key.compute_public_key().expect("its public part").as_ref().to_vec();
        let secret = (0..16).map(|byte| byte ^ name.len() as u8).collect();
        let endpoint = format!("http://{}/push/{name}", self.address);
        Browser { name: name.to_owned(), key, public, secret, endpoint }
    }

    /// The next thing that a browser is told.
    ///
    /// # Panics
    /// If nothing comes, or it cannot be read.
    pub async fn tells(&self, browser: &Browser) -> Pushed {
        let sent = tokio::time::timeout(PATIENCE, self.next(browser)).await;
        let sent = sent.unwrap_or_else(|_| panic!("{} is told nothing; {:?}", browser.name, self.inner().mistakes));
        browser.reads(&sent)
    }

    /// Makes sure that a browser is told nothing for a while.
    ///
    /// # Panics
    /// If it is.
    pub async fn tells_nothing(&self, browser: &Browser) {
        if let Ok(sent) = tokio::time::timeout(QUIET, self.next(browser)).await {
            panic!("{} is told {:?}", browser.name, browser.reads(&sent));
        }
    }

    async fn next(&self, browser: &Browser) -> Sent {
        loop {
            let changed = self.shared.changed.notified();
            let found = self.inner().pushed.get_mut(&browser.name).and_then(VecDeque::pop_front);
            match found {
                Some(sent) => return sent,
                None => changed.await,
            }
        }
    }

    /// The next requests for a browser are answered with these statuses, each with a `Retry-After` unless that is empty.
    pub fn answers(&self, browser: &Browser, with: &[(u16, &'static str)]) {
        self.inner().answers.entry(browser.name.clone()).or_default().extend(with);
    }

    /// Each request for a browser waits so long for its answer from now on.
    pub fn dawdles(&self, browser: &Browser, long: Duration) {
        self.inner().dawdles.insert(browser.name.clone(), long);
    }

    /// How many requests came, for whomever, whatever the answer was.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inner().count
    }

    /// Requests that no push service would take.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        self.inner().mistakes.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner()
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request: its status, and `Retry-After`.
    fn answer(&self, name: &str, sent: Sent, address: SocketAddr) -> (u16, &'static str) {
        let mut inner = self.inner();
        inner.count += 1;
        if let Err(mistake) = check(&sent, address, inner.key.as_deref()) {
            inner.mistakes.push(mistake);
            return (400, "");
        }
        let scripted = inner.answers.get_mut(name).and_then(VecDeque::pop_front);
        let answer = scripted.unwrap_or((201, ""));
        if answer.0 == 201 {
            inner.pushed.entry(name.to_owned()).or_default().push_back(sent);
            drop(inner);
            self.changed.notify_waiters();
        }
        answer
    }
}

async fn serve(mut stream: TcpStream, address: SocketAddr, shared: &Shared) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.strip_prefix("POST ")).and_then(|rest| rest.split(' ').next());
    let name = path.and_then(|path| path.strip_prefix("/push/")).unwrap_or_default().to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let (status, retry_after) = shared.answer(&name, Sent { headers, body }, address);
    let dawdles = shared.inner().dawdles.get(&name).copied();
    if let Some(long) = dawdles {
        tokio::time::sleep(long).await;
    }
    let retry_after = if retry_after.is_empty() { String::new() } else { format!("retry-after: {retry_after}\r\n") };
    let location = format!("location: http://{address}/message/1\r\n");
    let answer =
        format!("HTTP/1.1 {status} As asked\r\n{location}{retry_after}content-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The demands of a push service on a request.
fn check(sent: &Sent, address: SocketAddr, key: Option<&str>) -> Result<(), String> {
    let header = |name: &str| sent.headers.get(name).map(String::as_str).ok_or(format!("no {name}"));
    if header("content-encoding")? != "aes128gcm" {
        return Err("another encoding".into());
    }
    let ttl: i64 = header("ttl")?.parse().map_err(|_| "a strange TTL")?;
    let topic = header("topic")?;
    if !(0..=86_400).contains(&ttl) || topic.len() > 32 || !topic.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("TTL {ttl}, topic {topic}"));
    }
    if sent.body.len() > 4_096 {
        return Err("too long".into());
    }
    let (token, public) = header("authorization")?
        .strip_prefix("vapid t=")
        .and_then(|rest| rest.split_once(", k="))
        .ok_or("not signed as RFC 8292 has it")?;
    if Some(public) != key {
        return Err("signed by another server than was subscribed for".into());
    }
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "no base64url".to_owned());
    let (signed, signature) = token.rsplit_once('.').ok_or("no signature")?;
    Signer::new(&ECDSA_P256_SHA256_FIXED, decoded(public)?)
        .verify(signed.as_bytes(), &decoded(signature)?)
        .map_err(|_| "a wrong signature".to_owned())?;
    let claims = signed.split_once('.').ok_or("no claims")?.1;
    let claims: Value = serde_json::from_slice(&decoded(claims)?).map_err(|_| "claims that are no JSON")?;
    let now = i64::try_from(now()).unwrap_or(0);
    let is_in_time = claims["exp"].as_i64().is_some_and(|exp| (now..=now + 86_400).contains(&exp));
    if claims["aud"] != json!(format!("http://{address}")) || !is_in_time {
        return Err(format!("strange claims: {claims}"));
    }
    Ok(())
}

impl Browser {
    /// The subscription that the browser gives the page, as the page gives it to the server.
    #[must_use]
    pub fn subscription(&self) -> Value {
        let keys = json!({
            "p256dh": URL_SAFE_NO_PAD.encode(&self.public), "auth": URL_SAFE_NO_PAD.encode(&self.secret),
        });
        json!({ "endpoint": self.endpoint, "keys": keys })
    }

    fn reads(&self, sent: &Sent) -> Pushed {
        let header = |name: &str| sent.headers.get(name).cloned().unwrap_or_default();
        let text = self.decrypts(&sent.body).expect("it is encrypted for this browser");
        Pushed {
            payload: serde_json::from_slice(&text).expect("JSON"),
            topic: header("topic"),
            urgency: header("urgency"),
            ttl: header("ttl").parse().unwrap_or(-1),
        }
    }

    /// RFC 8291, from the other side.
    fn decrypts(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = body.split_at_checked(16)?;
        let (_size, rest) = rest.split_at_checked(4)?;
        let (length, rest) = rest.split_first()?;
        let (server, record) = rest.split_at_checked(usize::from(*length))?;
        let derived = |key: &[u8], input: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), input);
        let shared = agree(&self.key, UnparsedPublicKey::new(&ECDH_P256, server), Unspecified, |it| Ok(it.to_vec()));
        let prk = derived(&self.secret, &shared.ok()?);
        let input = derived(prk.as_ref(), &[b"WebPush: info\0", &self.public[..], server, &[1]].concat());
        let prk = derived(salt, input.as_ref());
        let key = derived(prk.as_ref(), b"Content-Encoding: aes128gcm\0\x01");
        let nonce = derived(prk.as_ref(), b"Content-Encoding: nonce\0\x01");
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.as_ref().get(..16)?).ok()?);
        let nonce = Nonce::try_assume_unique_for_key(nonce.as_ref().get(..12)?).ok()?;
        let mut record = record.to_vec();
        let text = key.open_in_place(nonce, Aad::empty(), &mut record).ok()?;
        // Everything after the text's end is padding.
        let end = text.iter().rposition(|byte| *byte == 2)?;
        Some(text[..end].to_vec())
    }
}
