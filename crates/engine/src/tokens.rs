//! Tokens: our own access and refresh tokens, and those of a host application.

mod purpose;
#[cfg(test)]
mod tests;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chat::{
    ConversationId, Error, ErrorCode, FileId, Millis, Number, PushDeviceId, Result, SessionId, UserId,
    accounts::{ServerRole, Speaker},
    files::LINK_SECONDS,
    identities::{self, DEFAULT_HOST, HostNumber, Identity},
    push_devices::PushKind,
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::push_devices::Delivery;

const ISSUER: &str = "palabre";
/// The type of an access token (RFC 9068), so that no other kind of token is taken for one.
const TYPE: &str = "at+jwt";
/// The difference between clocks that is tolerated, in seconds.
const LEEWAY: i64 = 60;
/// By how many seconds this server's clock may have been set back since it signed a token, without its owner having to
/// log in again. A token from a clock that was further ahead is not valid until its time.
const PUT_BACK: i64 = 86_400;
/// The longest remaining lifetime of a host's token, in seconds: ten years. A later time is probably not in seconds.
const LATEST: i64 = 10 * 365 * 86_400;
/// The type of a cookie's value, so that it is not taken for an access token, nor an access token for it.
const COOKIE_TYPE: &str = "cookie+jwt";
/// The type of a ticket that opens one message on the device that was told of it.
const TICKET_TYPE: &str = "push+jwt";
/// The type of a cookie's value that opens files and nothing else.
const FILES_TYPE: &str = "files+jwt";
/// The type of a token that opens one file.
const LINK_TYPE: &str = "file+jwt";
const REFRESH_PREFIX: &str = "plb_rt_";
/// The label from which, with a refresh token, its successor is derived; nothing else is derived with that key and this
/// label.
const SUCCESSOR: &str = "palabre successor of a refresh token";
/// The label from which the key of our own tokens is derived. They name people by our ids, and whoever else knows the
/// secret, as a host application may, must not take them for tokens of its own users.
const OWN_TOKENS: &str = "palabre key of access tokens";
/// The most bytes of a token. It comes in a header or frame that may be twice as long, and each is decoded twice.
const LONGEST: usize = 8_192;
/// The audiences that tokens of the replaced systems name.
const OLD_AUDIENCES: &[&str] = &["veza-chat", "chat-server"];

/// The keys for signing and checking tokens.
pub struct Keys {
    /// For tokens that name people by our ids.
    own: Pair,
    /// The secret itself, for tokens that name people by the numbers of a host: its other back ends may check them.
    /// All tokens were once signed with it, and those are good while they last.
    shared: Pair,
    successors: hmac::Key,
    hosts: Vec<HostKey>,
    /// Audiences of a host's tokens that are accepted where the host has none of its own.
    audiences: Vec<String>,
}

/// A secret, to sign and to check with.
struct Pair {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl Pair {
    fn new(secret: &[u8]) -> Self {
        Self { signing: EncodingKey::from_secret(secret), checking: DecodingKey::from_secret(secret) }
    }
}

/// How the tokens of one host application are checked.
struct HostKey {
    /// The host's name: it vouches under this name, whatever its tokens say.
    name: String,
    key: DecodingKey,
    /// The one audience that its tokens must name, if there is one.
    audience: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OwnClaims {
    iss: String,
    sub: String,
    sid: i64,
    iat: i64,
    exp: i64,
    // For clients that read their own token, as the old ones do.
    user_id: i64,
    username: String,
    role: String,
    /// The account, where `sub` and `user_id` are its number in a host application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<i64>,
    /// The file that it opens, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// The claim of a verified token. Whether the account and session are still valid, only the store knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim {
    /// A session of this server.
    Own { user: UserId, session: SessionId },
    /// A host application's user, and when the token ends.
    Host { identity: Identity, called: Called, role: Option<ServerRole>, until: Millis },
}

/// The content of the ticket in a push: with it a device may read one message, as long as its session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub user: UserId,
    pub session: SessionId,
    pub device: PushDeviceId,
    pub conversation: ConversationId,
    pub seq: Number,
    pub kind: PushKind,
    /// When it ends in any case.
    pub until: Millis,
}

impl Ticket {
    /// The ticket for what a device is told in this session.
    pub(crate) fn of(delivery: &Delivery, session: SessionId, until: Millis) -> Self {
        let Delivery { user, device, conversation, seq, kind, .. } = *delivery;
        Self { user, session, device, conversation, seq, kind, until }
    }

    /// Whose it is: whether their account and session go on, the store knows.
    pub(crate) fn claim(&self) -> Claim {
        Claim::Own { user: self.user, session: self.session }
    }
}

#[derive(Serialize, Deserialize)]
struct TicketClaims {
    iss: String,
    sub: i64,
    sid: i64,
    device: i64,
    conversation: i64,
    seq: i64,
    kind: String,
    iat: i64,
    exp: i64,
}

/// The names of a person in a host application's token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Called {
    /// The name by which they log in there.
    pub username: Option<String>,
    /// Their whole name.
    pub name: Option<String>,
}

impl Keys {
    /// Keys from our own secret, and from the one shared with a host application if there is one.
    #[must_use]
    pub fn new(own: &[u8], host: Option<&[u8]>) -> Self {
        let derives = hmac::Key::new(hmac::HMAC_SHA256, own);
        Self {
            own: Pair::new(hmac::sign(&derives, OWN_TOKENS.as_bytes()).as_ref()),
            shared: Pair::new(own),
            successors: derives,
            hosts: Vec::new(),
            audiences: OLD_AUDIENCES.iter().copied().chain([ISSUER]).map(str::to_owned).collect(),
        }
        .with_host_of(DEFAULT_HOST, host, None)
    }

    /// Accepts the tokens that a host application signs with this secret, as vouched for by the host of this name. Its
    /// tokens must name the audience, if one is given.
    #[must_use]
    pub fn with_host(self, name: &str, secret: &[u8], audience: Option<&str>) -> Self {
        self.with_host_of(name, Some(secret), audience)
    }

    fn with_host_of(mut self, name: &str, secret: Option<&[u8]>, audience: Option<&str>) -> Self {
        self.hosts.extend(secret.map(|secret| HostKey {
            name: name.to_owned(),
            key: DecodingKey::from_secret(secret),
            audience: audience.map(str::to_owned),
        }));
        self
    }

    /// Accepts hosts' tokens that are for the server at this address.
    #[must_use]
    pub fn with_url(mut self, url: Option<&str>) -> Self {
        self.audiences.extend(url.map(str::to_owned));
        self
    }

    /// The refresh token that follows this one, and the hash under which it is stored. It is always the same, so that a
    /// repeated request gets the same answer; and it cannot be derived from this token without the key.
    pub(crate) fn successor(&self, token: &str) -> (String, String) {
        let tag = hmac::sign(&self.successors, format!("{SUCCESSOR}\0{token}").as_bytes());
        let token = format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(tag));
        let hash = refresh_hash(&token);
        (token, hash)
    }

    pub(crate) fn sign(
        &self,
        user: UserId,
        session: SessionId,
        username: &str,
        role: ServerRole,
        now: Millis,
        seconds: i64,
    ) -> Result<String> {
        self.sign_as(TYPE, user, None, session, username, role, now, seconds)
    }

    /// The same for the clients of a host application, who read their own number in their token.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn sign_for_host(
        &self,
        user: UserId,
        number: HostNumber,
        session: SessionId,
        username: &str,
        role: ServerRole,
        now: Millis,
        seconds: i64,
    ) -> Result<String> {
        self.sign_as(TYPE, user, Some(number), session, username, role, now, seconds)
    }

    /// The value of a session's cookie.
    pub(crate) fn sign_cookie(
        &self,
        speaker: &Speaker,
        session: SessionId,
        now: Millis,
        seconds: i64,
    ) -> Result<String> {
        self.sign_as(COOKIE_TYPE, speaker.user, None, session, &speaker.username, speaker.role, now, seconds)
    }

    /// The value of a session's cookie that opens files and nothing else.
    pub(crate) fn sign_files_cookie(
        &self,
        speaker: &Speaker,
        session: SessionId,
        now: Millis,
        seconds: i64,
    ) -> Result<String> {
        self.sign_as(FILES_TYPE, speaker.user, None, session, &speaker.username, speaker.role, now, seconds)
    }

    /// A token that opens this file for a session, for some minutes.
    pub(crate) fn sign_file_link(
        &self,
        speaker: &Speaker,
        session: SessionId,
        file: FileId,
        now: Millis,
    ) -> Result<String> {
        let mut claims = own_claims(speaker.user.0, session, &speaker.username, speaker.role, now, LINK_SECONDS);
        claims.file = Some(file.to_string());
        self.sign_claims(LINK_TYPE, &claims, &self.own)
    }

    /// A ticket, as it goes to a device.
    pub(crate) fn sign_ticket(&self, ticket: &Ticket, now: Millis) -> Result<String> {
        let claims = TicketClaims {
            iss: ISSUER.into(),
            sub: ticket.user.0,
            sid: ticket.session.0,
            device: ticket.device.0,
            conversation: ticket.conversation.0,
            seq: ticket.seq.0,
            kind: ticket.kind.name().into(),
            iat: now.0 / 1_000,
            exp: ticket.until.0 / 1_000,
        };
        let header = Header { typ: Some(TICKET_TYPE.into()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.own.signing).map_err(|error| {
            tracing::error!(%error, "a ticket could not be signed");
            Error::internal()
        })
    }

    /// Reads a ticket of [`Keys::sign_ticket`]; nothing else is one.
    pub(crate) fn verify_ticket(&self, ticket: &str, now: Millis) -> Result<Ticket> {
        match kind_of(ticket)? {
            Kind::Ticket => {}
            Kind::Own | Kind::Cookie | Kind::Files | Kind::Link | Kind::Other => {
                return Err(refused("This is no ticket of a push."));
            }
        }
        let claims = decode::<TicketClaims>(ticket, &self.own.checking)?;
        check_times(claims.exp, Some(claims.iat.saturating_sub(PUT_BACK)), now)?;
        let kind = PushKind::from_name(&claims.kind).filter(|_| claims.iss == ISSUER);
        Ok(Ticket {
            user: UserId(claims.sub),
            session: SessionId(claims.sid),
            device: PushDeviceId(claims.device),
            conversation: ConversationId(claims.conversation),
            seq: Number(claims.seq),
            kind: kind.ok_or_else(|| refused("This is no ticket of a push."))?,
            until: Millis(claims.exp.saturating_mul(1_000)),
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn sign_as(
        &self,
        kind: &str,
        user: UserId,
        number: Option<HostNumber>,
        session: SessionId,
        username: &str,
        role: ServerRole,
        now: Millis,
        seconds: i64,
    ) -> Result<String> {
        let shown = number.map_or(user.0, |number| number.0);
        let mut claims = own_claims(shown, session, username, role, now, seconds);
        claims.account = number.map(|_| user.0);
        self.sign_claims(kind, &claims, if number.is_some() { &self.shared } else { &self.own })
    }

    fn sign_claims(&self, kind: &str, claims: &OwnClaims, key: &Pair) -> Result<String> {
        let header = Header { typ: Some(kind.into()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &key.signing).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Error::internal()
        })
    }

    /// Verifies the signature, the times, and the purpose of a token.
    pub(crate) fn verify(&self, token: &str, now: Millis) -> Result<Claim> {
        match kind_of(token)? {
            Kind::Own => self.verify_own(token, now),
            // Host and server may share one key: the user id of a cookie must not be taken for that of a host's user.
            Kind::Cookie | Kind::Files => Err(refused("This is a cookie's value and no access token.")),
            Kind::Link => Err(refused("This is a link to a file and no access token.")),
            Kind::Ticket => Err(refused("This is a ticket and no access token.")),
            Kind::Other => self.verify_host(token, now),
        }
    }

    /// The same for a cookie's value, which may also be a token.
    pub(crate) fn verify_cookie(&self, cookie: &str, now: Millis) -> Result<Claim> {
        match kind_of(cookie)? {
            Kind::Cookie => self.verify_own(cookie, now),
            Kind::Own | Kind::Other | Kind::Files | Kind::Link | Kind::Ticket => self.verify(cookie, now),
        }
    }

    /// The same for the value of a cookie that opens files; nothing else is one.
    pub(crate) fn verify_files_cookie(&self, cookie: &str, now: Millis) -> Result<Claim> {
        match kind_of(cookie)? {
            Kind::Files => self.verify_own(cookie, now),
            Kind::Own | Kind::Cookie | Kind::Other | Kind::Link | Kind::Ticket => {
                Err(refused("This is no cookie for files."))
            }
        }
    }

    /// The same for the token of a link to this file; nothing else is one.
    pub(crate) fn verify_file_link(&self, token: &str, file: FileId, now: Millis) -> Result<Claim> {
        let Kind::Link = kind_of(token)? else { return Err(refused("This is no link to a file.")) };
        let claims = decode::<OwnClaims>(token, &self.own.checking)?;
        if claims.file != Some(file.to_string()) {
            return Err(refused("This link is to another file."));
        }
        self.verify_own(token, now)
    }

    fn verify_own(&self, token: &str, now: Millis) -> Result<Claim> {
        let claims = decode::<OwnClaims>(token, &self.own.checking)
            .or_else(|_| decode::<OwnClaims>(token, &self.shared.checking))?;
        if claims.iss != ISSUER {
            return Err(refused("The token was not issued here."));
        }
        // Our own clock may have been put back since.
        check_times(claims.exp, Some(claims.iat.saturating_sub(PUT_BACK)), now)?;
        let user =
            claims.account.or_else(|| claims.sub.parse().ok()).ok_or_else(|| refused("The token names no user."))?;
        Ok(Claim::Own { user: UserId(user), session: SessionId(claims.sid) })
    }

    fn verify_host(&self, token: &str, now: Millis) -> Result<Claim> {
        let not_ours = || refused("The token was not issued here.");
        // Each host has a secret of its own: at most one of them has signed this.
        let mut signed = Err(not_ours());
        let mut host = None;
        for candidate in &self.hosts {
            signed = decode::<Map<String, Value>>(token, &candidate.key);
            host = Some(candidate);
            if signed.is_ok() {
                break;
            }
        }
        let (claims, host) = (signed?, host.ok_or_else(not_ours)?);
        let until = check_times_of_host(&claims, now)?;
        purpose::check_claims(&claims)?;
        match &host.audience {
            Some(only) => purpose::check_audience(&claims, std::slice::from_ref(only), true)?,
            None => purpose::check_audience(&claims, &self.audiences, false)?,
        }
        let id = claims.get("user_id").filter(|id| !id.is_null()).or_else(|| claims.get("sub"));
        let id = id.ok_or_else(|| refused("The token names no user: it needs user_id or sub."))?;
        let subject = subject_of(id).ok_or_else(|| {
            refused(
                "The token's user_id or sub must be a whole number from 0 on, or a text of 1 to 255 characters without \
                 spaces around it.",
            )
        })?;
        // The old back ends' highest role has another name.
        let role = claims.get("role").and_then(Value::as_str).and_then(|role| match role {
            "super_admin" => Some(ServerRole::Admin),
            role => ServerRole::from_name(role),
        });
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str).map(str::to_owned);
        let called = Called { username: text("username").or_else(|| text("preferred_username")), name: text("name") };
        Ok(Claim::Host { identity: Identity { issuer: host.name.clone(), subject }, called, role, until })
    }
}

fn own_claims(user: i64, session: SessionId, username: &str, role: ServerRole, now: Millis, seconds: i64) -> OwnClaims {
    let iat = now.0 / 1_000;
    OwnClaims {
        iss: ISSUER.into(),
        sub: user.to_string(),
        sid: session.0,
        iat,
        exp: iat + seconds,
        user_id: user,
        username: username.to_owned(),
        role: role.name().to_owned(),
        account: None,
        file: None,
    }
}

/// The kind of a token by its own account; the signature is not verified yet.
enum Kind {
    Own,
    Cookie,
    Files,
    Link,
    Ticket,
    Other,
}

fn kind_of(token: &str) -> Result<Kind> {
    let unreadable = || refused("The token cannot be read.");
    if token.len() > LONGEST {
        return Err(unreadable());
    }
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
    });
    let header = parts.next().flatten().ok_or_else(unreadable)?;
    if header.get("typ").is_some_and(|kind| kind == COOKIE_TYPE) {
        return Ok(Kind::Cookie);
    }
    if header.get("typ").is_some_and(|kind| kind == FILES_TYPE) {
        return Ok(Kind::Files);
    }
    if header.get("typ").is_some_and(|kind| kind == LINK_TYPE) {
        return Ok(Kind::Link);
    }
    if header.get("typ").is_some_and(|kind| kind == TICKET_TYPE) {
        return Ok(Kind::Ticket);
    }
    purpose::check_header(&header)?;
    let claims = parts.next().flatten().ok_or_else(unreadable)?;
    // A host's token may have the same type, as RFC 9068 demands.
    let own = header.get("typ").is_some_and(|kind| kind == TYPE) && claims.get("iss").is_some_and(|iss| iss == ISSUER);
    Ok(if own { Kind::Own } else { Kind::Other })
}

fn decode<T: serde::de::DeserializeOwned>(token: &str, key: &DecodingKey) -> Result<T> {
    // The times are checked with our own clock; the algorithm is fixed, whatever the header says.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<T>(token, key, &validation)
        .map(|token| token.claims)
        .map_err(|_| refused("The token is not valid."))
}

/// Times are in seconds; clocks may differ by [`LEEWAY`].
fn check_times(exp: i64, not_before: Option<i64>, now: Millis) -> Result<()> {
    let now = now.0 / 1_000;
    if now >= exp.saturating_add(LEEWAY) {
        return Err(refused("The token has expired."));
    }
    if not_before.is_some_and(|begin| now < begin.saturating_sub(LEEWAY)) {
        return Err(refused("The token is not valid yet."));
    }
    Ok(())
}

/// Checks the times of a host's token, and returns when it ends. Within the leeway, it ends when the leeway does.
fn check_times_of_host(claims: &Map<String, Value>, now: Millis) -> Result<Millis> {
    let exp = claims.get("exp").ok_or_else(|| refused("The token never expires: it needs exp."))?;
    let exp = seconds(exp)?;
    let begins = [claims.get("nbf"), claims.get("iat")].into_iter().flatten().map(seconds);
    let begins = begins.collect::<Result<Vec<i64>>>()?;
    check_times(exp, begins.into_iter().max(), now)?;
    if exp > (now.0 / 1_000).saturating_add(LATEST) {
        return Err(refused("The token's end (exp) is decades ahead; it is a time in seconds."));
    }
    let end = if now.0 / 1_000 < exp { exp } else { exp.saturating_add(LEEWAY) };
    Ok(Millis(end.saturating_mul(1_000)))
}

/// Parses a time in a token (RFC 7519: a JSON number, perhaps with a fraction).
fn seconds(value: &Value) -> Result<i64> {
    // A conversion from a float saturates.
    let whole = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
    whole.ok_or_else(|| refused("The token's times (exp, nbf, iat) must be numbers."))
}

/// An id in a claim: a whole number, or a text that can be a subject. A fraction is written in many ways, and none of
/// them is an id.
fn subject_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(text) if identities::is_subject(text) => Some(text.clone()),
        _ => None,
    }
}

pub(crate) fn refused(detail: &str) -> Error {
    Error::new(ErrorCode::Unauthenticated, detail)
}

/// A new refresh token, and the hash under which it is stored.
pub(crate) fn new_refresh_token() -> Result<(String, String)> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| Error::internal())?;
    let token = format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = refresh_hash(&token);
    Ok((token, hash))
}

/// The hash under which a refresh token is stored. The token is random, so a plain digest is enough.
pub(crate) fn refresh_hash(token: &str) -> String {
    digest(token)
}

/// A text's SHA-256, in base64url.
pub(crate) fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}

/// Whether two secrets are equal, compared in constant time.
pub(crate) fn same_secret(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
