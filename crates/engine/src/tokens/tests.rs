use serde_json::json;

use super::*;

const NOW: Millis = Millis(1_700_000_000_000);

fn keys() -> Keys {
    Keys::new(b"our own secret of thirty-two bytes", Some(b"the host's secret of thirty-two b."))
}

fn host_token(claims: &Value, secret: &[u8], algorithm: Algorithm) -> String {
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
fn whoever_shares_the_secret_finds_no_token_under_it_that_names_somebody_by_our_id() {
    const SECRET: &[u8] = b"one secret of thirty-two bytes..";
    let keys = Keys::new(SECRET, Some(SECRET));
    let host = DecodingKey::from_secret(SECRET);
    let (user, session, number) = (UserId(7), SessionId(3), HostNumber(42));
    let ours = keys.sign(user, session, "ann", ServerRole::User, NOW, 900).unwrap();
    assert!(decode::<OwnClaims>(&ours, &host).is_err());
    let theirs = keys.sign_for_host(user, number, session, "ann", ServerRole::User, NOW, 900).unwrap();
    assert_eq!(decode::<OwnClaims>(&theirs, &host).unwrap().sub, "42");
    // As all tokens were signed before.
    let before = OwnClaims { sub: "7".into(), user_id: 7, account: None, ..decode(&theirs, &host).unwrap() };
    let header = Header { typ: Some(TYPE.into()), ..Header::new(Algorithm::HS256) };
    let before = jsonwebtoken::encode(&header, &before, &EncodingKey::from_secret(SECRET)).unwrap();
    for token in [ours, theirs, before] {
        assert_eq!(keys.verify(&token, NOW).unwrap(), Claim::Own { user, session });
        refuses(&Keys::new(b"another secret of as many bytes.", Some(SECRET)), &token);
    }
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

const HOST: &[u8] = b"the host's secret of thirty-two b.";
const EXP: i64 = NOW.0 / 1_000 + 60;

fn hosts(claims: &Value) -> String {
    host_token(claims, HOST, Algorithm::HS256)
}

fn refuses(keys: &Keys, token: &str) {
    assert_eq!(keys.verify(token, NOW).unwrap_err().code, ErrorCode::Unauthenticated, "{token}");
}

#[test]
fn host_tokens_are_taken_with_either_id() {
    let keys = keys();
    let good = hosts(&json!({"user_id": 5, "username": "ann", "role": "super_admin", "exp": EXP}));
    let until = Millis(EXP * 1_000);
    let claim = Claim::Host {
        identity: Identity { issuer: "default".into(), subject: "5".into() },
        called: Called { username: Some("ann".into()), name: None },
        role: Some(ServerRole::Admin),
        until,
    };
    assert_eq!(keys.verify(&good, NOW).unwrap(), claim);
    let identity = Identity { issuer: "default".into(), subject: "u-5".into() };
    let sub = Claim::Host { identity, called: Called::default(), role: None, until };
    for claims in [
        json!({"sub": "u-5", "exp": EXP, "scope": "access", "token_type": ["access"]}),
        json!({"sub": "u-5", "exp": EXP, "user_id": null, "username": 7, "role": ["admin"], "aud": "palabre"}),
        json!({"sub": "u-5", "exp": EXP as f64 + 0.5, "iat": NOW.0 / 1_000 + 30, "nbf": NOW.0 / 1_000 - 9}),
        json!({"sub": "u-5", "exp": EXP, "aud": ["mail", "veza-chat"], "iss": "veza-auth"}),
    ] {
        assert_eq!(keys.verify(&hosts(&claims), NOW).unwrap(), sub, "{claims}");
    }
    // With the type that RFC 9068 demands, which our own tokens have, too.
    let header = Header { typ: Some(TYPE.into()), ..Header::new(Algorithm::HS256) };
    let claims = json!({"sub": "u-5", "exp": EXP, "iss": "https://id.example.org"});
    let typed = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(HOST)).unwrap();
    assert_eq!(keys.verify(&typed, NOW).unwrap(), sub);
    // Without a configured host, no host's token is accepted.
    refuses(&Keys::new(HOST, None), &good);
}

#[test]
fn a_hosts_token_ends_when_it_says_or_with_the_leeway() {
    let token = hosts(&json!({"sub": "5", "exp": EXP}));
    let until = |now: Millis| match keys().verify(&token, now) {
        Ok(Claim::Host { until, .. }) => Some(until.0 / 1_000 - EXP),
        _ => None,
    };
    assert_eq!(until(NOW), Some(0));
    assert_eq!(until(Millis(EXP * 1_000)), Some(LEEWAY));
    assert_eq!(until(Millis((EXP + LEEWAY) * 1_000)), None);
}

#[test]
fn no_forged_or_foreign_token_of_a_host_is_taken() {
    let keys = keys();
    let claims = json!({"user_id": 5, "exp": EXP});
    let good = hosts(&claims);
    let (header, payload) = (good.split('.').next().unwrap(), good.split('.').nth(1).unwrap());
    let signature = good.split('.').nth(2).unwrap();
    let encoded = |header: &Value| URL_SAFE_NO_PAD.encode(header.to_string());
    // Correctly signed, under a forged header.
    let under = |header: &Value| {
        let signed = format!("{}.{payload}", encoded(header));
        let key = hmac::Key::new(hmac::HMAC_SHA256, HOST);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
    };
    assert!(keys.verify(&under(&json!({"alg": "HS256"})), NOW).is_ok());
    for forged in [
        host_token(&claims, b"another secret of thirty-two bytes", Algorithm::HS256),
        host_token(&claims, b"our own secret of thirty-two bytes", Algorithm::HS256),
        host_token(&claims, b"", Algorithm::HS256),
        host_token(&claims, HOST, Algorithm::HS384),
        host_token(&claims, HOST, Algorithm::HS512),
        format!("{}.{payload}.", encoded(&json!({"alg": "none"}))),
        format!("{}.{payload}.{signature}", encoded(&json!({"alg": "none"}))),
        format!("{}.{payload}.{signature}", encoded(&json!({"alg": "NONE", "typ": "JWT"}))),
        under(&json!({"alg": "none"})),
        under(&json!({"alg": "RS256"})),
        under(&json!({"alg": "hs256"})),
        under(&json!({"alg": ["HS256"]})),
        under(&json!({})),
        under(&json!({"alg": "HS256", "crit": ["exp"], "exp": 1})),
        under(&json!({"alg": "HS256", "typ": "rt+jwt"})),
        under(&json!({"alg": "HS256", "typ": COOKIE_TYPE})),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{signature}."),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}={}", &signature),
        format!(" {good}"),
        format!("{good} "),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}.{}.{signature}", encoded(&json!({"user_id": 1, "exp": EXP}))),
        hosts(&json!({"user_id": 5, "exp": EXP, "padding": "x".repeat(LONGEST)})),
        "x".repeat(100_000),
        "not a token".into(),
        "..".into(),
        String::new(),
    ] {
        refuses(&keys, &forged);
    }
}

#[test]
fn a_hosts_token_needs_a_user_and_times_that_are_now() {
    let seconds = NOW.0 / 1_000;
    for claims in [
        json!({"user_id": 5}),
        json!({"user_id": 5, "exp": null}),
        json!({"user_id": 5, "exp": EXP.to_string()}),
        json!({"user_id": 5, "exp": seconds - LEEWAY}),
        json!({"user_id": 5, "exp": -EXP}),
        json!({"user_id": 5, "exp": EXP, "nbf": seconds + LEEWAY + 1}),
        json!({"user_id": 5, "exp": EXP, "iat": seconds + LEEWAY + 1}),
        json!({"user_id": 5, "exp": EXP, "iat": "now"}),
        json!({"exp": EXP}),
        json!({"exp": EXP, "user_id": ""}),
        json!({"exp": EXP, "user_id": "a\u{0}b"}),
        json!({"exp": EXP, "user_id": "x".repeat(256)}),
        json!({"exp": EXP, "user_id": {"$ne": 1}}),
        json!({"exp": EXP, "user_id": -5}),
        json!({"exp": EXP, "user_id": 5.0}),
        json!({"exp": EXP, "user_id": 5.5}),
        json!({"exp": EXP, "user_id": 1e300}),
        json!({"exp": EXP, "user_id": " 5"}),
        json!({"exp": EXP, "user_id": "5\n"}),
        json!({"exp": EXP, "sub": [5]}),
        json!({"exp": EXP, "sub": true}),
        json!({"user_id": 5, "exp": EXP, "scope": "refresh"}),
        json!({"user_id": 5, "exp": EXP, "purpose": "password_reset"}),
        json!({"user_id": 5, "exp": EXP, "aud": "mailer"}),
    ] {
        refuses(&keys(), &hosts(&claims));
    }
    let own = b"our own secret of thirty-two bytes";
    let strict = Keys::new(own, None).with_host(DEFAULT_HOST, HOST, Some("our-chat"));
    let strict = strict.with_url(Some("https://chat.example.org"));
    assert!(strict.verify(&hosts(&json!({"sub": "5", "exp": EXP, "aud": "our-chat"})), NOW).is_ok());
    refuses(&strict, &hosts(&json!({"sub": "5", "exp": EXP})));
    refuses(&strict, &hosts(&json!({"sub": "5", "exp": EXP, "aud": "palabre"})));
}

#[test]
fn a_refresh_token_has_one_successor_and_only_the_key_makes_it() {
    let (token, hash) = new_refresh_token().unwrap();
    let (next, next_hash) = keys().successor(&token);
    assert_eq!(keys().successor(&token), (next.clone(), next_hash.clone()));
    assert_eq!(refresh_hash(&next), next_hash);
    assert_eq!((next.len(), next.starts_with(REFRESH_PREFIX)), (token.len(), true));
    assert_ne!(next_hash, hash);
    let other = Keys::new(b"another key of thirty-two bytes...", None);
    assert_ne!(other.successor(&token).0, next);
}
