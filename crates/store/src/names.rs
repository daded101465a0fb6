//! What a person is called, in SQL.

/// [`chat::accounts::Account::shown_name`] of the table `users` under the name `u`.
macro_rules! shown_name {
    () => {
        "COALESCE(NULLIF(TRIM(u.display_name), ''), \
                  NULLIF(TRIM(COALESCE(u.first_name, '') || ' ' || COALESCE(u.last_name, '')), ''), u.username)"
    };
}
