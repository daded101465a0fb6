//! The two macros through which every statement goes.

/// Names statements and lists them, so that a test can prepare each on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: &str = $text;)*
        /// Name and text of the file's statements.
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((concat!(module_path!(), "::", stringify!($name)), $name),)*];
    };
}

/// Runs one statement on a connection, whichever database it leads to.
macro_rules! sql {
    ($conn:expr, execute, $text:expr $(, $arg:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query($text)$(.bind($arg))*.execute(&mut **c).await.map(|r| r.rows_affected()),
            $crate::db::Conn::Postgres(c) => sqlx::query($text)$(.bind($arg))*.execute(&mut **c).await.map(|r| r.rows_affected()),
        }
        .map_err($crate::error::Error::from)
    };
    ($conn:expr, $how:ident as $row:ty, $text:expr $(, $arg:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query_as::<_, $row>($text)$(.bind($arg))*.$how(&mut **c).await,
            $crate::db::Conn::Postgres(c) => sqlx::query_as::<_, $row>($text)$(.bind($arg))*.$how(&mut **c).await,
        }
        .map_err($crate::error::Error::from)
    };
}
