//! What people write is checked here, and stored as it was written.

use chat::{Error, Result};

/// Refuses text that is empty, too long, or holds NUL (PostgreSQL cannot keep it).
pub(crate) fn check(field: &str, text: &str, most: i64) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, format!("{field} must not be empty.")));
    }
    check_optional(field, text, most)
}

/// Like [`check`], but a text may be empty.
pub(crate) fn check_optional(field: &str, text: &str, most: i64) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::invalid(field, format!("{field} must not hold the NUL character.")));
    }
    // Characters are counted only if there are more bytes than allowed characters.
    let length = if i64::try_from(text.len()).is_ok_and(|bytes| bytes <= most) { 0 } else { text.chars().count() };
    if i64::try_from(length).is_ok_and(|length| length > most) {
        return Err(Error::invalid(field, format!("{field} must have at most {most} characters; it has {length}.")));
    }
    Ok(())
}

/// Refuses a name with control characters: it is shown on one line.
pub(crate) fn check_name(field: &str, text: &str, most: i64) -> Result<()> {
    check(field, text, most)?;
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(Error::invalid(
            field,
            format!("{field} must not hold control characters, nor begin or end with a space."),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters_to_the_last_one() {
        assert!(check("text", &"é".repeat(2_000), 2_000).is_ok());
        assert!(check("text", &"é".repeat(2_001), 2_000).is_err());
        for bad in ["", "  \n", "a\0b"] {
            assert!(check("text", bad, 10).is_err(), "{bad:?}");
        }
        assert!(check_name("name", " garden", 10).is_err());
        assert!(check_name("name", "gar\nden", 10).is_err());
    }
}
