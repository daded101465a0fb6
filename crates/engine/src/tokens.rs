//! Tokens: our own access tokens, those of a host application, and refresh tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chat::{
    Error, ErrorCode, Millis, Result, SessionId, UserId,
    accounts::{ServerRole, Speaker},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

const ISSUER: &str = "palabre";
/// RFC 9068's type of an access token: a refresh or other token is never taken for one.
const TYPE: &str = "at+jwt";
/// Clocks may differ by so much, in seconds.
const LEEWAY: i64 = 60;
/// The type of what is kept in a cookie: an access token is none, and it is no access token.
const COOKIE_TYPE: &str = "cookie+jwt";
const REFRESH_PREFIX: &str = "plb_rt_";

/// The keys for signing and checking tokens.
pub struct Keys {
    signing: EncodingKey,
    own: DecodingKey,
    host: Option<DecodingKey>,
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
}

#[derive(Deserialize)]
struct HostClaims {
    exp: i64,
    nbf: Option<i64>,
    sub: Option<serde_json::Value>,
    user_id: Option<serde_json::Value>,
    username: Option<String>,
    role: Option<String>,
    // What the token is for, by the names that the old back ends give it.
    scope: Option<serde_json::Value>,
    token_type: Option<serde_json::Value>,
}

/// Whom a token says it speaks for. Whether that still holds, the store knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim {
    /// A log-in of ours.
    Own { user: UserId, session: SessionId },
    /// A host application's user.
    Host { external_id: String, username: Option<String>, role: Option<ServerRole> },
}

impl Keys {
    /// Keys from our own secret, and from the one shared with a host application if there is one.
    #[must_use]
    pub fn new(own: &[u8], host: Option<&[u8]>) -> Self {
        Self {
            signing: EncodingKey::from_secret(own),
            own: DecodingKey::from_secret(own),
            host: host.map(DecodingKey::from_secret),
        }
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
        self.sign_as(TYPE, user, session, username, role, now, seconds)
    }

    /// What a browser keeps of a session.
    pub(crate) fn sign_cookie(
        &self,
        speaker: &Speaker,
        session: SessionId,
        now: Millis,
        seconds: i64,
    ) -> Result<String> {
        self.sign_as(COOKIE_TYPE, speaker.user, session, &speaker.username, speaker.role, now, seconds)
    }

    #[allow(clippy::too_many_arguments)]
    fn sign_as(
        &self,
        kind: &str,
        user: UserId,
        session: SessionId,
        username: &str,
        role: ServerRole,
        now: Millis,
        seconds: i64,
    ) -> Result<String> {
        let iat = now.0 / 1_000;
        let claims = OwnClaims {
            iss: ISSUER.into(),
            sub: user.to_string(),
            sid: session.0,
            iat,
            exp: iat + seconds,
            user_id: user.0,
            username: username.to_owned(),
            role: role.name().to_owned(),
        };
        let header = Header { typ: Some(kind.into()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.signing).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Error::internal()
        })
    }

    /// Checks the signature and the times.
    pub(crate) fn verify(&self, token: &str, now: Millis) -> Result<Claim> {
        match typ_of(token)?.as_deref() {
            Some(TYPE) => self.verify_own(token, now),
            // Host and server may share one key: its number must not be taken for that of a host's user.
            Some(COOKIE_TYPE) => Err(refused("This is a cookie's value and no access token.")),
            _ => self.verify_host(token, now),
        }
    }

    /// The same for what came in a cookie.
    pub(crate) fn verify_cookie(&self, cookie: &str, now: Millis) -> Result<Claim> {
        match typ_of(cookie)?.as_deref() {
            Some(COOKIE_TYPE) => self.verify_own(cookie, now),
            _ => self.verify(cookie, now),
        }
    }

    fn verify_own(&self, token: &str, now: Millis) -> Result<Claim> {
        let claims = decode::<OwnClaims>(token, &self.own)?;
        if claims.iss != ISSUER {
            return Err(refused("The token was not issued here."));
        }
        check_times(claims.exp, None, now)?;
        let user = claims.sub.parse().map_err(|_| refused("The token names no user."))?;
        Ok(Claim::Own { user: UserId(user), session: SessionId(claims.sid) })
    }

    fn verify_host(&self, token: &str, now: Millis) -> Result<Claim> {
        let key = self.host.as_ref().ok_or_else(|| refused("The token was not issued here."))?;
        let claims = decode::<HostClaims>(token, key)?;
        check_times(claims.exp, claims.nbf, now)?;
        // The hosts sign their refresh tokens with the same secret; one is good for days and for nothing here.
        if [claims.scope, claims.token_type].iter().flatten().any(|purpose| purpose == "refresh") {
            return Err(refused("This is a refresh token."));
        }
        let id = claims.user_id.or(claims.sub).as_ref().and_then(text_of);
        let external_id = id.ok_or_else(|| refused("The token names no user: it needs user_id or sub."))?;
        // The old back ends' highest role has another name.
        let role = claims.role.as_deref().and_then(|role| match role {
            "super_admin" => Some(ServerRole::Admin),
            role => ServerRole::from_name(role),
        });
        Ok(Claim::Host { external_id, username: claims.username, role })
    }
}

fn typ_of(token: &str) -> Result<Option<String>> {
    Ok(jsonwebtoken::decode_header(token).map_err(|_| refused("The token cannot be read."))?.typ)
}

fn decode<T: serde::de::DeserializeOwned>(token: &str, key: &DecodingKey) -> Result<T> {
    // The times are checked by our own clock; the algorithm is fixed, whatever the header says.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<T>(token, key, &validation)
        .map(|token| token.claims)
        .map_err(|_| refused("The token is not valid."))
}

fn check_times(exp: i64, nbf: Option<i64>, now: Millis) -> Result<()> {
    let now = now.0 / 1_000;
    if now >= exp.saturating_add(LEEWAY) {
        return Err(refused("The token has expired."));
    }
    if nbf.is_some_and(|nbf| now < nbf.saturating_sub(LEEWAY)) {
        return Err(refused("The token is not valid yet."));
    }
    Ok(())
}

/// An id in a claim: a number, or text that is short and printable.
fn text_of(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) if (1..=200).contains(&text.len()) && !text.contains('\0') => {
            Some(text.clone())
        }
        _ => None,
    }
}

pub(crate) fn refused(detail: &str) -> Error {
    Error::new(ErrorCode::Unauthenticated, detail)
}

/// A new refresh token and the hash under which it is kept.
pub(crate) fn new_refresh_token() -> Result<(String, String)> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| Error::internal())?;
    let token = format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = refresh_hash(&token);
    Ok((token, hash))
}

/// The hash under which a refresh token is kept. It is random, so a plain digest is enough.
pub(crate) fn refresh_hash(token: &str) -> String {
    digest(token)
}

/// A text's SHA-256, in text.
pub(crate) fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub(crate) fn same_secret(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_700_000_000_000);

    fn keys() -> Keys {
        Keys::new(b"our own secret of thirty-two bytes", Some(b"the host's secret of thirty-two b."))
    }

    fn host_token(claims: &serde_json::Value, secret: &[u8], algorithm: Algorithm) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn own_tokens_live_until_their_time_and_the_leeway_are_over() {
        let keys = keys();
        let token = keys.sign(UserId(7), SessionId(3), "ann", ServerRole::User, NOW, 900).unwrap();
        let claim = Claim::Own { user: UserId(7), session: SessionId(3) };
        assert_eq!(keys.verify(&token, NOW).unwrap(), claim);
        assert_eq!(keys.verify(&token, NOW.plus(959_000)).unwrap(), claim);
        assert!(keys.verify(&token, NOW.plus(960_000)).is_err());
    }

    #[test]
    fn a_cookie_is_no_access_token() {
        let keys = keys();
        let speaker = Speaker {
            user: UserId(7),
            username: "ann".into(),
            shown_name: "Ann".into(),
            role: ServerRole::User,
            session: Some(SessionId(3)),
        };
        let cookie = keys.sign_cookie(&speaker, SessionId(3), NOW, 900).unwrap();
        let claim = Claim::Own { user: UserId(7), session: SessionId(3) };
        assert_eq!(keys.verify_cookie(&cookie, NOW).unwrap(), claim);
        assert_eq!(keys.verify(&cookie, NOW).unwrap_err().code, ErrorCode::Unauthenticated);
        let of_one_key = Keys::new(b"one secret of thirty-two bytes..", Some(b"one secret of thirty-two bytes.."));
        let cookie_there = of_one_key.sign_cookie(&speaker, SessionId(3), NOW, 900).unwrap();
        assert_eq!(of_one_key.verify(&cookie_there, NOW).unwrap_err().code, ErrorCode::Unauthenticated);
        let token = keys.sign(UserId(7), SessionId(3), "ann", ServerRole::User, NOW, 900).unwrap();
        assert_eq!(keys.verify_cookie(&token, NOW).unwrap(), claim);
        assert!(keys.verify_cookie(&cookie, NOW.plus(960_000)).is_err());
        assert!(keys.verify_cookie("sessionid", NOW).is_err());
    }

    #[test]
    fn host_tokens_are_taken_with_either_id_and_no_forged_one_is() {
        let keys = keys();
        let secret = b"the host's secret of thirty-two b.";
        let exp = NOW.0 / 1_000 + 60;
        let with = |claims: serde_json::Value| host_token(&claims, secret, Algorithm::HS256);
        let good = with(serde_json::json!({"user_id": 5, "username": "ann", "role": "super_admin", "exp": exp}));
        let claim =
            Claim::Host { external_id: "5".into(), username: Some("ann".into()), role: Some(ServerRole::Admin) };
        assert_eq!(keys.verify(&good, NOW).unwrap(), claim);
        let sub = with(serde_json::json!({"sub": "u-5", "exp": exp, "scope": "access", "token_type": ["access"]}));
        assert_eq!(
            keys.verify(&sub, NOW).unwrap(),
            Claim::Host { external_id: "u-5".into(), username: None, role: None }
        );

        let claims = serde_json::json!({"user_id": 5, "exp": exp});
        let own_key_for_host = host_token(&claims, b"our own secret of thirty-two bytes", Algorithm::HS256);
        for forged in [
            host_token(&claims, b"another secret of thirty-two bytes", Algorithm::HS256),
            host_token(&claims, secret, Algorithm::HS512),
            own_key_for_host,
            with(serde_json::json!({"user_id": 5, "exp": exp - 121})),
            with(serde_json::json!({"user_id": 5})),
            with(serde_json::json!({"exp": exp})),
            with(serde_json::json!({"user_id": {"$ne": 1}, "exp": exp})),
            with(serde_json::json!({"user_id": 5, "exp": exp, "scope": "refresh"})),
            with(serde_json::json!({"user_id": 5, "exp": exp, "token_type": "refresh"})),
            // {"alg":"none"} with the same claims and no signature.
            format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap()),
            "not a token".into(),
            String::new(),
        ] {
            assert_eq!(keys.verify(&forged, NOW).unwrap_err().code, ErrorCode::Unauthenticated, "{forged}");
        }
        // A host's token is no token where no host is configured.
        assert!(Keys::new(secret, None).verify(&good, NOW).is_err());
    }
}
