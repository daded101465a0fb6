//! The macros through which every statement goes.

/// Names statements and lists them, so that a test can prepare each on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: &str = $text;)*
        /// Name and text of the file's statements.
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((concat!(module_path!(), "::", stringify!($name)), $name),)*];
    };
}

/// Waits for PostgreSQL's answer as long as may be waited for it. A connection over which none came is not used again:
/// a network that swallows what is sent would otherwise hold it for a quarter of an hour.
macro_rules! in_time {
    ($conn:expr, $statement:expr) => {
        match $crate::db::in_time($statement).await {
            Some(answer) => answer,
            None => {
                $conn.close_on_drop();
                Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
            }
        }
    };
}

/// Runs one statement on a connection, whichever database it leads to.
macro_rules! sql {
    ($conn:expr, execute, $text:expr $(, $arg:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query($text)$(.bind($arg))*.execute(&mut **c).await.map(|r| r.rows_affected()),
            $crate::db::Conn::Postgres(c) => {
                in_time!(c, sqlx::query($text)$(.bind($arg))*.execute(&mut **c)).map(|r| r.rows_affected())
            }
        }
        .map_err($crate::error::Error::from)
    };
    // Of many rows those that cannot be read are left out: see `unreadable`.
    ($conn:expr, fetch_all as $row:ty, $text:expr $(, $arg:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query($text)$(.bind($arg))*.fetch_all(&mut **c).await
                .map(|rows| $crate::unreadable::keep::<_, $row>(rows, $text)),
            $crate::db::Conn::Postgres(c) => in_time!(c, sqlx::query($text)$(.bind($arg))*.fetch_all(&mut **c))
                .map(|rows| $crate::unreadable::keep::<_, $row>(rows, $text)),
        }
        .map_err($crate::error::Error::from)
    };
    // The same, with what can be salvaged of them.
    ($conn:expr, salvage as $row:ty, $text:expr $(, $arg:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query($text)$(.bind($arg))*.fetch_all(&mut **c).await
                .map(|rows| $crate::unreadable::salvage::<_, $row>(rows, $text)),
            $crate::db::Conn::Postgres(c) => in_time!(c, sqlx::query($text)$(.bind($arg))*.fetch_all(&mut **c))
                .map(|rows| $crate::unreadable::salvage::<_, $row>(rows, $text)),
        }
        .map_err($crate::error::Error::from)
    };
    ($conn:expr, $how:ident as $row:ty, $text:expr $(, $arg:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query_as::<_, $row>($text)$(.bind($arg))*.$how(&mut **c).await,
            $crate::db::Conn::Postgres(c) => in_time!(c, sqlx::query_as::<_, $row>($text)$(.bind($arg))*.$how(&mut **c)),
        }
        .map_err($crate::error::Error::from)
    };
}

/// Runs a statement that returns many rows. SQLite's rows come from another thread one by one, each column
/// copied by itself; there the same statement is wrapped into one that returns them as a single JSON text,
/// which is several times cheaper. `$columns` are the row's fields, in their order. One row that cannot be read makes
/// the whole text unreadable; then they are read one by one.
macro_rules! sql_many {
    ($conn:expr, $row:ty, $columns:expr, $text:expr $(, $arg:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => {
                let text = format!("SELECT json_group_array(json_array({})) FROM ({})", $columns, $text);
                // Made of constants only.
                let packed = sqlx::query_as::<_, (String,)>(sqlx::AssertSqlSafe(text))$(.bind($arg))*
                    .fetch_one(&mut **c)
                    .await
                    .map_err($crate::error::Error::from)
                    .and_then(|(rows,)| $crate::sql::unpack::<$row>(&rows));
                match packed {
                    Err($crate::error::Error::Other(_)) => sqlx::query($text)$(.bind($arg))*
                        .fetch_all(&mut **c)
                        .await
                        .map(|rows| $crate::unreadable::salvage::<_, $row>(rows, $text))
                        .map_err($crate::error::Error::from),
                    packed => packed,
                }
            }
            $crate::db::Conn::Postgres(c) => {
                in_time!(c, sqlx::query($text)$(.bind($arg))*.fetch_all(&mut **c))
                    .map(|rows| $crate::unreadable::salvage::<_, $row>(rows, $text))
                    .map_err($crate::error::Error::from)
            }
        }
    };
}

/// The rows of a text that [`sql_many`] made.
pub(crate) fn unpack<R: serde::de::DeserializeOwned>(rows: &str) -> crate::Result<Vec<R>> {
    serde_json::from_str(rows).map_err(|e| crate::Error::Other(format!("packed rows cannot be read: {e}")))
}
