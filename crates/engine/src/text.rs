//! Checks the texts and names that people write. Texts are stored as they were written; names in the form of
//! [`chat::names`].

use chat::{Error, Result, names};

/// Refuses text of which nothing can be seen, that is too long, or holds NUL (PostgreSQL cannot keep it).
pub(crate) fn check(field: &str, text: &str, most: i64) -> Result<()> {
    if !names::has_visible(text) {
        return Err(Error::invalid(field, format!("{field} must have at least one visible character.")));
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

/// The form in which a name is kept.
///
/// # Errors
/// `invalid` if it cannot be one, or is too long in that form.
pub(crate) fn name(field: &str, raw: &str, most: i64) -> Result<String> {
    // The name may become shorter by what is taken out, but nobody needs a hundred times as much.
    check_optional(field, raw, most.saturating_mul(100))?;
    let name = names::stored(raw).map_err(|unfit| Error::invalid(field, format!("{field} {unfit}.")))?;
    check_optional(field, &name, most)?;
    Ok(name)
}

/// The form in which a text of some lines is kept that is shown beside others'; empty if nothing of it can be seen.
///
/// # Errors
/// `invalid` if it cannot be kept, or is too long in that form.
pub(crate) fn lines(field: &str, raw: &str, most: i64) -> Result<String> {
    check_optional(field, raw, most.saturating_mul(100))?;
    let text = names::stored_lines(raw).map_err(|unfit| Error::invalid(field, format!("{field} {unfit}.")))?;
    check_optional(field, &text, most)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters_to_the_last_one() {
        assert!(check("text", &"é".repeat(2_000), 2_000).is_ok());
        assert!(check("text", &"é".repeat(2_001), 2_000).is_err());
        for bad in ["", "  \n", "a\0b", "\u{200b}", "\u{2800}\u{ad}", "\u{202e}"] {
            assert!(check("text", bad, 10).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_measured_in_the_form_in_which_it_is_kept() {
        assert_eq!(name("name", " Cafe\u{301} \u{200b}", 4).as_deref(), Ok("Caf\u{e9}"));
        assert!(name("name", "Cafes", 4).is_err());
        assert!(name("name", "gar\nden", 10).is_err());
        assert!(name("name", "\u{200b}", 10).is_err());
        assert!(name("name", &format!("a{}", "\u{200b}".repeat(2_000)), 10).is_err(), "nobody needs so much");
        assert_eq!(lines("topic", "one \n\u{202e}two", 10).as_deref(), Ok("one\ntwo"));
    }
}
