//! A backup's file: gzip of lines of JSON.
//!
//! The first line says what it is ([`Header`]). Each table has a line with its name and columns, then a line for each
//! row, an array. The last line ([`Trailer`]) has the count of all rows and the SHA-256 of all lines before it, so
//! that a file that was cut off or damaged is known before anything of it is believed.

use std::io::{BufRead as _, BufReader, Read, Write};

use aws_lc_rs::digest;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

use super::rows::{self, Row};
use crate::{
    Error, Result,
    tables::{self, Column, Table, Tables},
};

/// The version of the format.
const FORMAT: u32 = 1;
/// A longer line than any row is: what is no backup may have lines without an end.
const LINE: u64 = 16 << 20;

/// The first line.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Header {
    /// Always `backup`.
    palabre: String,
    format: u32,
    /// The number of the last migration of the database.
    pub schema: i64,
    /// The program's version.
    pub program: String,
    /// The history that it holds.
    pub epoch: String,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
}

impl Header {
    pub(super) fn new(schema: i64, epoch: String, made_at: i64) -> Self {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Self { palabre: "backup".to_owned(), format: FORMAT, schema, program, epoch, made_at }
    }
}

/// The line before a table's rows.
#[derive(Deserialize, Serialize)]
struct Heading {
    table: String,
    columns: Vec<String>,
}

/// The last line.
#[derive(Deserialize, Serialize)]
struct Trailer {
    rows: u64,
    sha256: String,
}

/// A backup that is being written.
pub(super) struct Sink<W: Write> {
    out: GzEncoder<W>,
    sum: digest::Context,
    rows: u64,
}

impl<W: Write> Sink<W> {
    pub(super) fn new(out: W, header: &Header) -> Result<Self> {
        // The fastest level: three quarters of the gain for a quarter of the time.
        let out = GzEncoder::new(out, Compression::fast());
        let mut sink = Self { out, sum: digest::Context::new(&digest::SHA256), rows: 0 };
        sink.line(&json(header)?)?;
        Ok(sink)
    }

    pub(super) fn table(&mut self, table: &Table) -> Result<()> {
        let columns = table.column_names().into_iter().map(str::to_owned).collect();
        self.line(&json(&Heading { table: table.name.to_owned(), columns })?)
    }

    pub(super) fn row(&mut self, row: &[serde_json::Value]) -> Result<()> {
        self.rows += 1;
        self.line(&rows::write(row)?)
    }

    /// Writes the last line; gives back where it was written to.
    pub(super) fn end(mut self) -> Result<W> {
        let sha256 = hex(self.sum.clone().finish().as_ref());
        let trailer = json(&Trailer { rows: self.rows, sha256 })?;
        self.line(&trailer)?;
        self.out.finish().map_err(|e| cannot_write(&e))
    }

    fn line(&mut self, text: &str) -> Result<()> {
        self.sum.update(text.as_bytes());
        self.sum.update(b"\n");
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.write_all(b"\n")).map_err(|e| cannot_write(&e))
    }
}

/// A part of a backup that is being read.
pub(super) enum Part {
    /// The rows that follow are of this table and have these columns.
    Table(&'static Table, Vec<&'static Column>),
    /// A row.
    Row(Row),
    /// All was there, unharmed.
    End,
}

/// A backup that is being read.
pub(super) struct Source<R: Read> {
    input: BufReader<GzDecoder<R>>,
    /// The tables that it may hold.
    tables: Tables,
    sum: digest::Context,
    columns: usize,
    rows: u64,
    /// Its heading.
    pub header: Header,
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R, tables: Tables) -> Result<Self> {
        let mut input = BufReader::with_capacity(1 << 16, GzDecoder::new(input));
        let mut sum = digest::Context::new(&digest::SHA256);
        let strange = || Error::Other("it is no backup that `palabre backup` made".to_owned());
        let line = line(&mut input).map_err(|_| strange())?;
        let header: Header = serde_json::from_str(&line).map_err(|_| strange())?;
        if header.palabre != "backup" {
            return Err(strange());
        }
        if header.format != FORMAT {
            let told = format!("the backup has format {}; this program knows {FORMAT}", header.format);
            return Err(Error::Other(told));
        }
        feed(&mut sum, &line);
        Ok(Self { input, tables, sum, columns: 0, rows: 0, header })
    }

    /// The next part; after [`Part::End`] there is none.
    pub(super) fn next(&mut self) -> Result<Part> {
        let line = line(&mut self.input)?;
        if line.starts_with('[') {
            feed(&mut self.sum, &line);
            self.rows += 1;
            let row = rows::parse(&line).map_err(|_| self.damaged())?;
            return if row.len() == self.columns { Ok(Part::Row(row)) } else { Err(self.damaged()) };
        }
        if let Ok(Heading { table, columns }) = serde_json::from_str(&line) {
            feed(&mut self.sum, &line);
            self.columns = columns.len();
            return known(self.tables, &table, &columns);
        }
        let trailer: Trailer = serde_json::from_str(&line).map_err(|_| self.damaged())?;
        let sha256 = hex(self.sum.clone().finish().as_ref());
        if trailer.sha256 != sha256 || trailer.rows != self.rows {
            return Err(Error::Other("the backup is damaged: it is not what was written".to_owned()));
        }
        // Reading to the end lets the compression check its own sum.
        match self.input.fill_buf() {
            Ok([]) => Ok(Part::End),
            _ => Err(Error::Other("the backup is damaged after its last line".to_owned())),
        }
    }

    fn damaged(&self) -> Error {
        Error::Other(format!("the backup is damaged after row {}", self.rows))
    }
}

/// The table and the columns that a heading names.
fn known(tables: Tables, table: &str, columns: &[String]) -> Result<Part> {
    let found =
        tables::named(tables, table).ok_or_else(|| Error::Other(format!("this program knows no table {table:?}")))?;
    let column = |name: &String| found.columns.iter().find(|column| column.name == name);
    let known: Option<Vec<&'static Column>> = columns.iter().map(column).collect();
    let strange = || Error::Other(format!("this program knows other columns of {table}"));
    known.map(|columns| Part::Table(found, columns)).ok_or_else(strange)
}

fn line(input: &mut impl std::io::BufRead) -> Result<String> {
    let mut text = String::new();
    let damaged = |what: &dyn std::fmt::Display| Error::Other(format!("the backup is damaged: {what}"));
    input.take(LINE).read_line(&mut text).map_err(|e| damaged(&e))?;
    if text.pop() != Some('\n') {
        return Err(damaged(&"it ends too early"));
    }
    Ok(text)
}

fn feed(sum: &mut digest::Context, line: &str) {
    sum.update(line.as_bytes());
    sum.update(b"\n");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Other(format!("a line cannot be written: {e}")))
}

fn cannot_write(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull => Error::StorageFull(error.to_string()),
        _ => Error::Other(format!("the backup cannot be written: {error}")),
    }
}
