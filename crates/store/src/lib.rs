//! What is kept: SQL, migrations and the committing writer.
