//! The purpose of a host application's token.
//!
//! Hosts sign many things with one secret: access, refresh and identity tokens, links for a new password or a mail
//! address, log-ins that still lack a second factor, tokens for their other services. All have a user and an expiry,
//! and only the first is a credential here. There is no single way to distinguish them (RFC 8725, section 3.11), so
//! every way in use is checked, and a token that claims any other purpose is refused.

use chat::Result;
use serde_json::{Map, Value};

use super::refused;

/// Header types (`typ`) of tokens that may be a credential; all others have another purpose.
const TYPES: &[&str] = &["jwt", "at+jwt", "application/jwt", "application/at+jwt"];
/// Claims that name the token's purpose in one word.
const SAYS_WHAT_FOR: &[&str] =
    &["typ", "type", "token_type", "tokenType", "token_use", "use", "usage", "purpose", "kind"];
/// The values of these claims in a credential, without case and punctuation.
const CREDENTIAL: &[&str] = &[
    "access",
    "accesstoken",
    "bearer",
    "bearertoken",
    "jwt",
    "atjwt",
    "auth",
    "authentication",
    "session",
    "sessiontoken",
    "user",
    "api",
    "chat",
    "websocket",
];
/// Claims that list the permitted uses of a token.
const SCOPES: &[&str] = &["scope", "scopes", "scp"];
/// Words in a scope, or in the name of a true claim, of a token that does not give access to a service.
const SOMETHING_ELSE: &[&str] = &[
    "refresh",
    "reset",
    "recover",
    "recovery",
    "forgot",
    "verify",
    "verification",
    "confirm",
    "confirmation",
    "activate",
    "activation",
    "mfa",
    "2fa",
    "otp",
    "totp",
    "pending",
    "challenge",
    "unsubscribe",
    "magic",
    "idtoken",
];
/// Claims that name an action in one of many words: only the words above mean another purpose.
const SAYS_WHAT_IS_DONE: &[&str] = &[
    "action",
    "actions",
    "intent",
    "operation",
    "flow",
    "reason",
    "for",
    "class",
    "grant",
    "grant_type",
    "mode",
    "stage",
    "step",
    "context",
    "task",
    "event",
    "subject_type",
    "permission",
    "permissions",
    "aim",
    "goal",
    "category",
];
/// Claims of a token that is valid only together with something else: its holder's key (RFC 7800).
const BOUND: &[&str] = &["cnf"];
/// Claims of an OpenID Connect identity token, and of its log-out token.
const IDENTITY: &[&str] = &["nonce", "at_hash", "c_hash", "s_hash", "events"];
/// Claims about the past and not about the token's purpose, although they contain a word from above.
const DONE: &[&str] = &["mfa", "2fa", "otp", "totp"];

/// Refuses a token whose header names another purpose, or requires an unknown extension.
///
/// # Errors
/// `unauthenticated`, with the reason.
pub(super) fn check_header(header: &Map<String, Value>) -> Result<()> {
    // RFC 7515, section 4.1.11: extensions that are named there and not understood must lead to a refusal. None is
    // understood here.
    if header.contains_key("crit") {
        return Err(refused("The token's header names extensions (crit) that are not understood here."));
    }
    // A nested or compressed token is not an access token.
    if header.contains_key("cty") || header.contains_key("zip") {
        return Err(refused("The token's header says that something else is in it (cty, zip)."));
    }
    let good = match header.get("typ") {
        None => true,
        Some(Value::String(kind)) => TYPES.contains(&&*kind.to_ascii_lowercase()),
        Some(_) => false,
    };
    if good { Ok(()) } else { Err(not_for_this("typ")) }
}

/// Refuses a token whose claims name another purpose.
///
/// # Errors
/// `unauthenticated`, with the name of that claim.
pub(super) fn check_claims(claims: &Map<String, Value>) -> Result<()> {
    match claims.iter().find(|(name, value)| says_something_else(name, value)) {
        Some((claim, _)) => Err(not_for_this(claim)),
        None => Ok(()),
    }
}

/// Whether a claim means that the token does not give access. Hosts write the names of claims in any case.
fn says_something_else(name: &str, value: &Value) -> bool {
    let is_among = |names: &[&str]| names.iter().any(|one| one.eq_ignore_ascii_case(name));
    if is_among(IDENTITY) || is_among(BOUND) {
        return true;
    }
    if is_among(SAYS_WHAT_FOR) {
        return !is_credential(value);
    }
    if is_among(SCOPES) {
        return is_for_something_else(value);
    }
    if is_among(SAYS_WHAT_IS_DONE) {
        return names_something_else(value);
    }
    // `mfa_pending: true` and `reset_token: "…"` do; `last_password_reset: "2026-01-01"` does not.
    match value {
        Value::Bool(true) => !is_among(DONE) && has_word(name),
        Value::String(_) | Value::Object(_) => !is_among(DONE) && begins_with_word(name),
        _ => false,
    }
}

/// Whether a text or a list contains one of the words.
fn names_something_else(value: &Value) -> bool {
    match value {
        Value::String(text) => has_word(text),
        Value::Array(several) => several.iter().any(names_something_else),
        _ => false,
    }
}

/// Refuses a token for other audiences than this server (RFC 7519, section 4.1.3).
///
/// # Errors
/// `unauthenticated`.
pub(super) fn check_audience(claims: &Map<String, Value>, accepted: &[String], needed: bool) -> Result<()> {
    let is_ours = |value: &Value| value.as_str().is_some_and(|text| accepted.iter().any(|ours| ours == text));
    let good = match claims.get("aud") {
        None => !needed,
        Some(Value::Array(several)) => several.iter().any(is_ours),
        Some(one) => is_ours(one),
    };
    if good {
        Ok(())
    } else {
        Err(refused("The token is for another audience (aud); auth.host_audience or the host's audience names ours."))
    }
}

fn not_for_this(claim: &str) -> chat::Error {
    // The name of a claim is the host's; it is shown to the holder of the token.
    let claim: String = claim.chars().take(40).collect();
    refused(&format!("The token is not one for access: its {claim} says so."))
}

fn is_credential(value: &Value) -> bool {
    match value {
        Value::String(text) => CREDENTIAL.contains(&&*plain(text)),
        Value::Array(several) => several.iter().all(is_credential),
        _ => false,
    }
}

/// Whether a scope, given as a text of several words or as a list, means something other than access.
fn is_for_something_else(scope: &Value) -> bool {
    match scope {
        Value::String(text) => text.split([' ', ',']).any(has_word),
        Value::Array(several) => several.iter().any(is_for_something_else),
        Value::Null => false,
        _ => true,
    }
}

/// Whether a name such as `password_reset`, `mfa:pending` or `emailVerification` contains one of those words.
fn has_word(name: &str) -> bool {
    words(name).iter().any(|word| is_something_else(word)) || is_something_else(&plain(name))
}

/// Whether a name such as `reset_token` begins with one of those words.
fn begins_with_word(name: &str) -> bool {
    words(name).first().is_some_and(|word| is_something_else(word))
}

fn is_something_else(word: &str) -> bool {
    SOMETHING_ELSE.contains(&word)
}

/// The words of a name in lower case, for every way of joining words.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    for c in name.chars() {
        let begins =
            !c.is_alphanumeric() || c.is_uppercase() && words.last().is_some_and(|w| !w.ends_with(char::is_uppercase));
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.push(c);
        }
    }
    words.iter().map(|word| word.to_lowercase()).collect()
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_tokens_purpose_is_found_in_any_claim_and_claims_about_the_past_are_no_purpose() {
        let claims = |text: &str| serde_json::from_str::<Map<String, Value>>(text).expect("claims");
        for other in [
            r#"{"action":"reset_password"}"#,
            r#"{"Type":"refresh"}"#,
            r#"{"INTENT":"verify"}"#,
            r#"{"grant_type":"refresh_token"}"#,
            r#"{"verify_email":"ann@example.org"}"#,
            r#"{"resetToken":"x"}"#,
            r#"{"cnf":{"jkt":"x"}}"#,
        ] {
            assert!(check_claims(&claims(other)).is_err(), "{other}");
        }
        for access in [
            r#"{"last_password_reset":"2026-01-01","email_verified":true}"#,
            r#"{"amr":["pwd","otp"],"action":"chat"}"#,
            r#"{"username":"reset","role":"user","reason":"log in"}"#,
        ] {
            assert!(check_claims(&claims(access)).is_ok(), "{access}");
        }
    }

    #[test]
    fn a_token_with_another_purpose_is_refused() {
        for claims in [
            json!({"type": "refresh"}),
            json!({"typ": "Refresh"}),
            json!({"token_type": "refresh_token"}),
            json!({"tokenType": "RESET"}),
            json!({"token_use": "id"}),
            json!({"use": "email-verification"}),
            json!({"purpose": "password_reset"}),
            json!({"purpose": ["access", "reset"]}),
            json!({"purpose": 5}),
            json!({"kind": "invitation"}),
            json!({"type": null}),
            json!({"scope": "refresh"}),
            json!({"scope": "password_reset"}),
            json!({"scope": "password:reset"}),
            json!({"scope": "resetPassword"}),
            json!({"scope": "chat mfa_pending"}),
            json!({"scope": "EMAIL_VERIFICATION"}),
            json!({"scope": {"refresh": true}}),
            json!({"scopes": ["chat", "2fa"]}),
            json!({"scp": ["verify-email"]}),
            json!({"nonce": "n-0S6_WzA2Mj", "sub": "5"}),
            json!({"at_hash": "x"}),
            json!({"events": {}}),
            json!({"mfa_pending": true}),
            json!({"mfaRequired": true}),
            json!({"refresh": true}),
            json!({"isPasswordReset": true}),
        ] {
            assert!(check_claims(&map(claims.clone())).is_err(), "{claims}");
        }
    }

    #[test]
    fn the_tokens_of_the_old_systems_and_of_plain_hosts_are_taken() {
        for claims in [
            json!({"user_id": 5, "username": "ann", "role": "admin", "exp": 1, "iat": 1}),
            json!({"sub": "5", "iat": 1, "nbf": 1, "exp": 1, "scope": "access"}),
            json!({"sub": "5", "username": "ann", "role": "user", "permissions": ["chat"], "jti": "x"}),
            json!({"user_id": 5, "token_type": "access", "jti": "0b6e"}),
            json!({"scope": "openid profile email offline_access messages:read"}),
            json!({"scope": ["chat", "users.write"], "mfa": true, "email_verified": true}),
            json!({"type": "Bearer", "use": "access_token", "mfa_pending": false}),
        ] {
            assert!(check_claims(&map(claims.clone())).is_ok(), "{claims}");
        }
    }

    #[test]
    fn a_header_that_asks_for_more_than_is_understood_is_refused() {
        for good in [json!({"alg": "HS256"}), json!({"typ": "JWT"}), json!({"typ": "at+jwt", "kid": "1"})] {
            assert!(check_header(&map(good.clone())).is_ok(), "{good}");
        }
        for bad in [
            json!({"typ": "refresh+jwt"}),
            json!({"typ": "logout+jwt"}),
            json!({"typ": "dpop+jwt"}),
            json!({"typ": 5}),
            json!({"typ": null}),
            json!({"typ": "JWT", "crit": ["b64"]}),
            json!({"crit": []}),
        ] {
            assert!(check_header(&map(bad.clone())).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_for_another_audience_is_refused() {
        let ours = ["palabre".to_owned(), "https://chat.example.org".to_owned()];
        let check = |claims: Value, needed| check_audience(&map(claims), &ours, needed).is_ok();
        assert!(check(json!({"aud": "palabre"}), true) && check(json!({"aud": ["mail", "palabre"]}), true));
        assert!(check(json!({}), false) && !check(json!({}), true));
        for other in [json!("mail"), json!(["mail"]), json!([]), json!(""), json!("PALABRE"), json!(5), json!(null)] {
            assert!(!check(json!({"aud": other}), false), "{other}");
        }
    }
}
