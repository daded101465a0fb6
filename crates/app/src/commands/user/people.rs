//! A file of people, CSV or JSON Lines, read one after the other: however long it is, one of them is in memory.

use std::io::BufRead;

use anyhow::{bail, ensure};
use engine::operator::Person;
use serde::{
    Deserialize,
    de::{Deserializer, Unexpected, Visitor},
};

/// The columns of a CSV file, and the fields of an object.
pub(super) const FIELDS: [&str; 8] =
    ["external_id", "host", "username", "display_name", "first_name", "last_name", "email", "password_hash"];
/// Bytes that one person may have.
const LONGEST: usize = 64 * 1_024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Somebody in the file, and the line on which they begin; or why what stands there is nobody.
pub(super) type Entry = (u64, Result<Person, String>);

/// The people of a file.
pub(super) struct People<R> {
    input: R,
    /// The line that is read next.
    line: u64,
    format: Format,
}

enum Format {
    /// Which field stands in which column, and what stands between them. Some programs write semicolons, for people who
    /// write 1,5. It is what stands first between the names of the columns; absent if there is one alone.
    Csv {
        columns: Vec<&'static str>,
        separator: Option<u8>,
    },
    JsonLines,
}

impl<R: BufRead> People<R> {
    /// Begins to read. JSON Lines begin with a brace, and CSV with the names of its columns.
    ///
    /// # Errors
    /// The file is empty, or has columns that nobody knows.
    pub(super) fn of(mut input: R) -> anyhow::Result<Self> {
        let begin = input.fill_buf()?;
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] = begin {
            bail!("it is no UTF-8, but probably UTF-16: save it as UTF-8, which spreadsheets call \"CSV UTF-8\"");
        }
        let begins_with_bom = begin.starts_with(BOM);
        if begins_with_bom {
            input.consume(BOM.len());
        }
        let first = input.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        match first {
            None => bail!("there is nobody in it: it is empty"),
            Some(b'{') => Ok(Self { input, line: 1, format: Format::JsonLines }),
            Some(_) => Self::csv(input),
        }
    }

    fn csv(input: R) -> anyhow::Result<Self> {
        let mut people = Self { input, line: 1, format: Format::JsonLines };
        let mut separator = None;
        let Some((line, names)) = people.record(&mut separator)? else { bail!("there is nobody in it: it is empty") };
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let name = String::from_utf8_lossy(&name);
            let name = name.trim();
            if name.contains('\r') {
                bail!("line {line}: lines end in a bare carriage return (CR): save it with LF or CRLF at their ends");
            }
            let Some(known) = FIELDS.into_iter().find(|field| name.eq_ignore_ascii_case(field)) else {
                bail!("line {line}: there is no column {name:?}; allowed are {}", FIELDS.join(", "));
            };
            ensure!(!columns.contains(&known), "line {line}: the column {known} stands there twice");
            columns.push(known);
        }
        let says_who = columns.iter().any(|column| matches!(*column, "external_id" | "username"));
        ensure!(says_who, "line {line}: a column external_id or username is needed, to know who is who");
        people.format = Format::Csv { columns, separator };
        Ok(people)
    }

    /// The next of them; nothing at the end.
    ///
    /// # Errors
    /// The file cannot be read, or not from here on: nobody knows where the next one begins.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Entry>> {
        if let Format::Csv { mut separator, .. } = self.format {
            let Some((line, fields)) = self.record(&mut separator)? else { return Ok(None) };
            return Ok(Some((line, self.person(fields))));
        }
        loop {
            let line = self.line;
            let Some(text) = self.text_line()? else { return Ok(None) };
            if text.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some((line, object(&text))));
        }
    }

    /// Whom a record of a CSV file names.
    fn person(&self, fields: Vec<Vec<u8>>) -> Result<Person, String> {
        let Format::Csv { columns, .. } = &self.format else { return Ok(Person::default()) };
        if fields.len() != columns.len() {
            return Err(format!("it has {} fields, and there are {} columns", fields.len(), columns.len()));
        }
        let mut person = Person::default();
        for (column, bytes) in columns.iter().zip(fields) {
            let text = String::from_utf8(bytes).map_err(|_| format!("{column} is not UTF-8"))?;
            *slot(&mut person, column) = said(text);
        }
        Ok(person)
    }
}

/// The value of a field: nothing if it has only spaces.
fn said(text: String) -> Option<String> {
    let trimmed = text.trim();
    match trimmed.len() {
        0 => None,
        length if length == text.len() => Some(text),
        _ => Some(trimmed.to_owned()),
    }
}

fn slot<'a>(person: &'a mut Person, field: &str) -> &'a mut Option<String> {
    match field {
        "external_id" => &mut person.external_id,
        "host" => &mut person.host,
        "username" => &mut person.username,
        "display_name" => &mut person.display_name,
        "first_name" => &mut person.first_name,
        "last_name" => &mut person.last_name,
        "email" => &mut person.email,
        _ => &mut person.password_hash,
    }
}

impl<R: BufRead> People<R> {
    /// The fields of the next record of a CSV file (RFC 4180), and the line on which it begins. Empty lines are passed
    /// over.
    fn record(&mut self, separator: &mut Option<u8>) -> anyhow::Result<Option<(u64, Vec<Vec<u8>>)>> {
        loop {
            let begins = self.line;
            let mut record = Record { separator: *separator, ..Record::default() };
            while !record.is_over {
                let bytes = self.input.fill_buf()?;
                if bytes.is_empty() {
                    break;
                }
                let used = record.take(bytes, &mut self.line);
                self.input.consume(used);
                ensure!(
                    record.length <= LONGEST,
                    "line {begins}: what begins here has more than {LONGEST} bytes; perhaps a quote is not closed"
                );
                ensure!(
                    !record.is_torn,
                    "line {begins}: behind a closing quote stands neither a separator nor the end of the line"
                );
            }
            ensure!(record.state != Place::Quoted, "line {begins}: a quote that begins here is not closed");
            if !record.is_over && record.length == 0 {
                return Ok(None);
            }
            *separator = record.separator;
            let fields = record.end();
            if fields.len() > 1 || fields.iter().any(|field| !field.trim_ascii().is_empty()) {
                return Ok(Some((begins, fields)));
            }
        }
    }

    /// The next line of the file, without its end.
    fn text_line(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let (begins, mut text) = (self.line, Vec::new());
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok((!text.is_empty()).then_some(text));
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            text.extend_from_slice(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default());
            let used = end.map_or(bytes.len(), |end| end + 1);
            self.input.consume(used);
            ensure!(text.len() <= LONGEST, "line {begins}: it has more than {LONGEST} bytes");
            if end.is_some() {
                self.line += 1;
                return Ok(Some(text));
            }
        }
    }
}

/// Where in a field the next byte of a CSV file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Plain,
    Quoted,
    /// Behind a quote, which has closed the field or is one half of a quote in it.
    Quote,
}

/// A record of a CSV file, as far as it has been read.
#[derive(Default)]
struct Record {
    separator: Option<u8>,
    fields: Vec<Vec<u8>>,
    field: Vec<u8>,
    state: Place,
    /// Bytes that were read.
    length: usize,
    is_over: bool,
    /// Something stands where only a separator may.
    is_torn: bool,
}

impl Record {
    /// Takes bytes up to the record's end; how many it has used.
    fn take(&mut self, bytes: &[u8], line: &mut u64) -> usize {
        for (at, &byte) in bytes.iter().enumerate() {
            self.length += 1;
            *line += u64::from(byte == b'\n');
            if self.separator.is_none() && self.state != Place::Quoted && b",;\t".contains(&byte) {
                self.separator = Some(byte);
            }
            self.state = match (self.state, byte) {
                (Place::Quoted, b'"') => Place::Quote,
                (Place::Quoted, byte) => self.keep(byte, Place::Quoted),
                (Place::Quote, b'"') => self.keep(byte, Place::Quoted),
                (_, b'\n') => {
                    self.is_over = true;
                    return at + 1;
                }
                (_, byte) if self.separator == Some(byte) => {
                    self.fields.push(std::mem::take(&mut self.field));
                    Place::Start
                }
                (Place::Quote, b'\r' | b' ') => Place::Quote,
                (Place::Quote, _) => {
                    self.is_torn = true;
                    return at + 1;
                }
                (Place::Start, b'"') => Place::Quoted,
                (_, byte) => self.keep(byte, Place::Plain),
            };
            if self.length > LONGEST {
                return at + 1;
            }
        }
        bytes.len()
    }

    fn keep(&mut self, byte: u8, place: Place) -> Place {
        self.field.push(byte);
        place
    }

    fn end(mut self) -> Vec<Vec<u8>> {
        if self.state == Place::Plain && self.field.last() == Some(&b'\r') {
            self.field.pop();
        }
        self.fields.push(self.field);
        self.fields
    }
}

/// Whom an object of a JSON Lines file names.
fn object(text: &[u8]) -> Result<Person, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        external_id: Option<Id>,
        host: Option<String>,
        username: Option<String>,
        display_name: Option<String>,
        first_name: Option<String>,
        last_name: Option<String>,
        email: Option<String>,
        password_hash: Option<String>,
    }
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    let named: Named = serde_json::from_str(text).map_err(|error| {
        // Its own words end with a place in a line that is the first to it.
        let words = error.to_string();
        words.split(" at line ").next().unwrap_or_default().to_owned()
    })?;
    let said = |text: Option<String>| text.and_then(said);
    Ok(Person {
        external_id: said(named.external_id.map(|id| id.0)),
        host: said(named.host),
        username: said(named.username),
        display_name: said(named.display_name),
        first_name: said(named.first_name),
        last_name: said(named.last_name),
        email: said(named.email),
        password_hash: said(named.password_hash),
    })
}

/// An id of another system: a text, or a whole number.
struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Id, E> {
                Ok(Id(value.to_owned()))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Id, E> {
                Ok(Id(value.to_string()))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Id, E> {
                Ok(Id(value.to_string()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Id, E> {
                Err(E::invalid_type(Unexpected::Float(value), &self))
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(bytes: &[u8]) -> anyhow::Result<Vec<Entry>> {
        // Seven bytes at a time: what is cut anywhere means the same.
        let mut people = People::of(BufReader::with_capacity(7, bytes))?;
        std::iter::from_fn(|| people.next().transpose()).collect()
    }

    fn problem(bytes: &[u8]) -> String {
        read(bytes).map(|_| ()).expect_err("a problem").to_string()
    }

    fn named(external_id: &str, display_name: &str) -> Person {
        Person {
            external_id: Some(external_id.into()),
            display_name: Some(display_name.into()).filter(|name: &String| !name.is_empty()),
            ..Person::default()
        }
    }

    #[test]
    fn a_csv_file_is_read_however_it_was_written() {
        let expected = [
            (2, Ok(named("1", "Dupré, Élodie"))),
            (3, Ok(named("2", "张 \"the\" 伟"))),
            (5, Ok(named("3", "two\nlines"))),
            (7, Ok(named("4", ""))),
        ];
        let text =
            "external_id,display_name\n1,\"Dupré, Élodie\"\n 2 ,\"张 \"\"the\"\" 伟\" \n\n3,\"two\nlines\"\n4,\n";
        let crlf = text.replace('\n', "\r\n").replace("two\r\n", "two\n");
        let (semicolons, tabs) = (text.replace(',', ";"), text.replace(',', "\t"));
        let other = |name: &str| {
            let person = |(line, person): &Entry| {
                let mut person = person.clone().expect("a person");
                person.display_name = person.display_name.map(|shown| shown.replace(", ", name));
                (*line, Ok(person))
            };
            expected.iter().map(person).collect::<Vec<Entry>>()
        };
        assert_eq!(read(text.as_bytes()).expect("good"), expected);
        assert_eq!(read(crlf.as_bytes()).expect("good"), expected);
        assert_eq!(read(format!("\u{feff}{crlf}").as_bytes()).expect("good"), expected);
        assert_eq!(read(text.trim_end().as_bytes()).expect("good"), expected);
        assert_eq!(read(semicolons.as_bytes()).expect("good"), other("; "));
        assert_eq!(read(tabs.as_bytes()).expect("good"), other("\t "));
        let quoted = "\"External_ID\",\" display_name\"\n\"1\",\"Dupré, Élodie\"";
        assert_eq!(read(quoted.as_bytes()).expect("good"), expected[..1]);
    }

    #[test]
    fn columns_that_nobody_knows_are_named_with_those_that_are_allowed() {
        let problem = |header: &str| problem(format!("{header}\n1,2\n").as_bytes());
        let unknown = problem("external_id,password");
        assert!(
            unknown.contains("line 1: there is no column \"password\"; allowed are external_id, host, "),
            "{unknown}"
        );
        assert!(problem("external_id,").contains("no column \"\""));
        assert!(problem("username,USERNAME").contains("username stands there twice"));
        assert!(problem("email,first_name").contains("a column external_id or username is needed"));
        for empty in ["", "\n", "\u{feff}", "\u{feff} \r\n"] {
            assert!(read(empty.as_bytes()).map(|_| ()).expect_err("empty").to_string().contains("empty"), "{empty:?}");
        }
        assert!(problem("é1;\"").contains("line 1"));
        for utf_16 in ["\u{feff}username", "username"] {
            let units = || utf_16.encode_utf16();
            for bytes in
                [units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), units().flat_map(u16::to_be_bytes).collect()]
            {
                assert!(super::tests::problem(&bytes).contains("save it as UTF-8"), "{bytes:?}");
            }
        }
        assert!(problem("username,email\rann,a@b.example\r").contains("bare carriage return"));
    }

    #[test]
    fn what_is_wrong_with_one_line_does_not_hide_the_next() {
        let text = b"external_id,display_name\n1\n2,a,b\n3,\xff\n4,\"a\"\"b\"\n";
        let read = read(text).expect("good");
        let words: Vec<_> = read.iter().map(|(line, one)| (*line, one.as_ref().err().map(String::as_str))).collect();
        let expected = [
            (2, Some("it has 1 fields, and there are 2 columns")),
            (3, Some("it has 3 fields, and there are 2 columns")),
            (4, Some("display_name is not UTF-8")),
            (5, None),
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn where_nobody_knows_where_the_next_one_begins_reading_ends_with_the_line() {
        for (text, words) in [
            ("username\nann\n\"bob\n", "line 3: a quote that begins here is not closed"),
            ("username\n\"ann\"x\n", "line 2: behind a closing quote"),
            (&format!("username\n\"{}", "x\n".repeat(LONGEST)), "line 2: what begins here has more than 65536 bytes"),
            (&format!("{{}}\n{{\"username\":\"{}\"}}", "x".repeat(LONGEST)), "line 2: it has more than 65536 bytes"),
        ] {
            assert!(problem(text.as_bytes()).contains(words), "{words}: {}", problem(text.as_bytes()));
        }
    }

    #[test]
    fn json_lines_are_objects_of_texts_and_ids_may_be_numbers() {
        let text = "\u{feff}{\"external_id\": 7, \"display_name\": \"Zoé \\u0022Z\\u0022\"}\r\n\n  {\"external_id\":\"-7\",\"email\":null}\n\
                    {\"external_id\":7.5}\n{\"password\":\"x\"}\n[]\n{\"host\":1}\n{\"host\":\"a\",\"host\":\"b\"}\nnonsense";
        let read = read(text.as_bytes()).expect("good");
        assert_eq!(read[0], (1, Ok(named("7", "Zoé \"Z\""))));
        assert_eq!(read[1], (3, Ok(named("-7", ""))));
        let words = |at: usize| read[at].1.clone().expect_err("wrong");
        assert_eq!(words(2), "invalid type: floating point `7.5`, expected a text or a whole number");
        assert!(
            words(3).starts_with("unknown field `password`, expected one of `external_id`, `host`"),
            "{}",
            words(3)
        );
        assert!(words(5).contains("expected a string"), "{}", words(5));
        assert!(words(6).contains("duplicate field `host`"), "{}", words(6));
        assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7, 8, 9]);
        assert!(read[4].1.is_err() && read[7].1.is_err());
    }
}
