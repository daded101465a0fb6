//! The names that the replaced systems read from the environment, and the key that each one sets.
//!
//! Our own name wins over an old one. Two old names of one key must agree. A variable that is set to
//! nothing counts as not set.

use std::collections::BTreeMap;

use super::values;

/// A name of an old system.
pub struct OldName {
    /// The variable.
    pub name: &'static str,
    /// The key that it sets.
    pub key: &'static str,
    /// How its value becomes the key's.
    pub how: How,
    /// The systems whose documents or programs use it.
    pub systems: &'static str,
}

/// How an old value becomes ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As it is.
    Same,
    /// A duration (`15m`, `7d`; a bare number counts seconds), in the key's unit of so many seconds.
    Duration(i64),
    /// The host of an address whose port stands elsewhere.
    Host,
    /// The same, of a name so general that other programs set it to other things: believed only where
    /// it is an IP address or `localhost`.
    LooseHost,
    /// The port of an address whose host stands elsewhere.
    Port,
    /// A part of the URL of a PostgreSQL database.
    DatabasePart,
}

const fn old(name: &'static str, key: &'static str, how: How, systems: &'static str) -> OldName {
    OldName { name, key, how, systems }
}

/// Every old name. Veza's form `CHAT_SERVER_<section>__<key>` is written `CHAT_SERVER__SECTION__KEY`
/// here and accepted with one or two underscores and in any case.
pub const OLD_NAMES: &[OldName] = &[
    old("CHAT_SERVER_HOST", "server.listen", How::Host, "Veza"),
    old("CHAT_SERVER_PORT", "server.listen", How::Port, "Veza"),
    old("HOST", "server.listen", How::LooseHost, "Veza"),
    old("PORT", "server.listen", How::Port, "Veza, Matcha"),
    old("CHAT_PORT", "server.listen", How::Port, "Veza"),
    old("SERVER_BIND_ADDR", "server.listen", How::Same, "Veza"),
    old("CHAT_SERVER_BIND_ADDR", "server.listen", How::Same, "Veza"),
    old("CHAT_SERVER__SERVER__BIND_ADDR", "server.listen", How::Same, "Veza"),
    old("APP_URL", "server.public_url", How::Same, "HyperChat"),
    // Each to its own endpoint: two systems whose pages are elsewhere do not contradict each other.
    old("ALLOWED_ORIGINS", "matcha.allowed_origins", How::Same, "Matcha"),
    old("CORS_ALLOWED_ORIGINS", "dreametrix.allowed_origins", How::Same, "Dreametrix"),
    old("CORS_ALLOWED_ORIGINS", "server.allowed_origins", How::Same, "Veza"),
    old("PROMETHEUS_BIND_ADDR", "server.metrics_listen", How::Same, "Veza"),
    old("CHAT_ENVIRONMENT", "server.environment", How::Same, "Veza"),
    old("ENVIRONMENT", "server.environment", How::Same, "Veza"),
    old("RUST_ENV", "server.environment", How::Same, "Veza"),
    old("APP_ENV", "server.environment", How::Same, "HyperChat"),
    old("CHAT_SERVER__SERVER__ENVIRONMENT", "server.environment", How::Same, "Veza"),
    old("SHUTDOWN_TIMEOUT", "server.shutdown_seconds", How::Duration(1), "Veza"),
    old("DATABASE_URL", "database.url", How::Same, "chat-server, Veza, HyperChat"),
    old("CHAT_SERVER__DATABASE__URL", "database.url", How::Same, "Veza"),
    old("REDIS_URL", "redis.url", How::Same, "Veza, Matcha"),
    old("DB_HOST", "database.url", How::DatabasePart, "Matcha"),
    old("DB_PORT", "database.url", How::DatabasePart, "Matcha"),
    old("DB_NAME", "database.url", How::DatabasePart, "Matcha"),
    old("DB_USER", "database.url", How::DatabasePart, "Matcha"),
    old("DB_PASSWORD", "database.url", How::DatabasePart, "Matcha"),
    old("DATABASE_MAX_CONNECTIONS", "database.max_connections", How::Same, "Veza"),
    old("DB_MAX_CONNECTIONS", "database.max_connections", How::Same, "Veza"),
    old("CHAT_SERVER__DATABASE__MAX_CONNECTIONS", "database.max_connections", How::Same, "Veza"),
    old("DB_CONNECT_TIMEOUT", "database.connect_timeout_seconds", How::Duration(1), "Veza"),
    old("CHAT_SERVER__DATABASE__CONNECT_TIMEOUT", "database.connect_timeout_seconds", How::Duration(1), "Veza"),
    old("AUTO_MIGRATE", "database.auto_migrate", How::Same, "Matcha"),
    old("DB_AUTO_MIGRATE", "database.auto_migrate", How::Same, "Veza"),
    old("JWT_SECRET", "auth.jwt_secret", How::Same, "chat-server, Matcha, Veza"),
    old("CHAT_SERVER__SECURITY__JWT_SECRET", "auth.jwt_secret", How::Same, "Veza"),
    old("JWT_ACCESS_DURATION", "auth.access_minutes", How::Duration(60), "Veza"),
    old("JWT_EXPIRY_MINUTES", "auth.access_minutes", How::Same, "Veza"),
    old("CHAT_SERVER__SECURITY__JWT_ACCESS_DURATION", "auth.access_minutes", How::Duration(60), "Veza"),
    old("JWT_REFRESH_DURATION", "auth.refresh_days", How::Duration(86_400), "Veza"),
    old("JWT_REFRESH_EXPIRY_DAYS", "auth.refresh_days", How::Same, "Veza"),
    old("MAX_MESSAGE_LENGTH", "limits.message_length", How::Same, "Veza"),
    old("CHAT_SERVER__LIMITS__MAX_MESSAGE_LENGTH", "limits.message_length", How::Same, "Veza"),
    old("MAX_CONNECTIONS_PER_USER", "limits.connections_per_user", How::Same, "Veza"),
    old("CHAT_SERVER__LIMITS__MAX_CONNECTIONS_PER_USER", "limits.connections_per_user", How::Same, "Veza"),
    old("RATE_LIMIT_MESSAGES_PER_MINUTE", "limits.messages_per_minute", How::Same, "Veza"),
    old("MAX_MESSAGES_PER_MINUTE", "limits.messages_per_minute", How::Same, "Veza"),
    old("CHAT_SERVER__LIMITS__MAX_MESSAGES_PER_MINUTE", "limits.messages_per_minute", How::Same, "Veza"),
    old("RATE_LIMIT_REQUESTS_PER_MINUTE", "limits.requests_per_minute", How::Same, "Veza"),
    old("MAX_REACTIONS_PER_MESSAGE_PER_USER", "limits.reactions_per_user", How::Same, "Veza"),
    old("HEARTBEAT_INTERVAL", "limits.ping_seconds", How::Duration(1), "Veza"),
    old("WS_BIND_ADDR", "chat_server.listen", How::Same, "chat-server"),
    old("LOG_LEVEL", "log.level", How::Same, "Matcha, Veza"),
    old("CHAT_SERVER__LOGGING__LEVEL", "log.level", How::Same, "Veza"),
    old("RUST_LOG", "log.filter", How::Same, "chat-server, Veza"),
    old("LOG_FORMAT", "log.format", How::Same, "Matcha, Veza"),
    old("CHAT_SERVER__LOGGING__FORMAT", "log.format", How::Same, "Veza"),
];

/// The value under an old name: the key's whole value, or half of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The key's whole value.
    Whole(String),
    /// The host of an address.
    Host(String),
    /// The port of an address.
    Port(String),
}

/// Veza's `CHAT_SERVER_limits__max_message_length` in the one form of the table; others as they are.
#[must_use]
pub fn canonical(variable: &str) -> String {
    match variable.strip_prefix("CHAT_SERVER_") {
        Some(rest) if rest.contains("__") || rest.starts_with('_') => {
            format!("CHAT_SERVER__{}", rest.trim_start_matches('_').to_uppercase())
        }
        _ => variable.to_owned(),
    }
}

/// The variables of the environment that set `key` under old names, each with its value.
///
/// # Errors
/// A variable's name and what is wrong with it.
pub fn said(key: &str, environment: &BTreeMap<String, String>) -> Result<Vec<(String, Said)>, Vec<String>> {
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (variable, text) in environment.iter().filter(|(_, text)| !text.is_empty()) {
        let name = canonical(variable);
        let Some(old) = OLD_NAMES.iter().find(|old| old.key == key && old.name == name) else { continue };
        match convert(old, text) {
            Ok(said) => values.extend(said.map(|said| (variable.clone(), said))),
            Err(reason) => problems.push(format!("{variable}: {reason}")),
        }
    }
    if key == "database.url" {
        match database_url(environment) {
            Ok(url) => values.extend(url.map(|url| ("DB_HOST and DB_NAME".to_owned(), Said::Whole(url)))),
            Err(reason) => problems.push(reason),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

fn convert(old: &OldName, text: &str) -> Result<Option<Said>, String> {
    Ok(Some(match old.how {
        How::Same => Said::Whole(text.to_owned()),
        How::Duration(unit) => {
            let seconds = values::seconds(text)?;
            if seconds % unit != 0 {
                return Err(format!("\"{text}\" is not a whole number of {}", unit_name(unit)));
            }
            Said::Whole((seconds / unit).to_string())
        }
        How::Host => Said::Host(host(text).ok_or_else(|| format!("\"{text}\" is not an IP address or localhost"))?),
        How::LooseHost => match host(text) {
            Some(host) => Said::Host(host),
            None => return Ok(None),
        },
        // Kubernetes sets NAME_PORT=tcp://… for a service of that name; that is nobody's wish.
        How::Port if text.starts_with("tcp://") || text.starts_with("udp://") => return Ok(None),
        How::Port => match text.trim().parse::<u16>() {
            Ok(port) if port > 0 => Said::Port(port.to_string()),
            _ => return Err(format!("\"{text}\" is not a port (1 to 65535)")),
        },
        How::DatabasePart => return Ok(None),
    }))
}

fn unit_name(seconds: i64) -> &'static str {
    match seconds {
        60 => "minutes",
        86_400 => "days",
        _ => "seconds",
    }
}

fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V6(address)) => Some(format!("[{address}]")),
        Ok(address) => Some(address.to_string()),
        Err(_) => (bare == "localhost").then(|| "127.0.0.1".to_owned()),
    }
}

fn database_url(environment: &BTreeMap<String, String>) -> Result<Option<String>, String> {
    let get = |name: &str| environment.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let (host, name) = match (get("DB_HOST"), get("DB_NAME")) {
        (None, None) => return Ok(None),
        (Some(host), Some(name)) => (host, name),
        (Some(_), None) => return Err("DB_HOST is set, but DB_NAME is not".to_owned()),
        (None, Some(_)) => return Err("DB_NAME is set, but DB_HOST is not".to_owned()),
    };
    let port = get("DB_PORT").unwrap_or("5432");
    if port.parse::<u16>().is_err() {
        return Err(format!("DB_PORT: \"{port}\" is not a port (1 to 65535)"));
    }
    let user = percent_encode(get("DB_USER").unwrap_or("postgres"));
    let password = get("DB_PASSWORD").map(|password| format!(":{}", percent_encode(password))).unwrap_or_default();
    Ok(Some(format!("postgres://{user}{password}@{host}:{port}/{}", percent_encode(name))))
}

fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}
