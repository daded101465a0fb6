//! `#[derive(NamesPeople)]`: a value names everybody whom its fields name.
//!
//! Each field has to be of a type that says whom it names, so a field or a variant that is added cannot be forgotten.
//! `#[nobody]` before a field or a variant leaves it out, and stands with the reason. The few lines of grammar that the
//! vocabulary's types have are read here by hand: a library for it would be compiled before everything else.

use std::fmt::Write as _;

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Derives `chat::people::NamesPeople` for a struct or an enum without type parameters.
#[proc_macro_derive(NamesPeople, attributes(nobody))]
pub fn names_people(item: TokenStream) -> TokenStream {
    let written =
        read(item).map_or_else(|why| format!("::core::compile_error!({why:?});"), |read| implementation(&read));
    written.parse().unwrap_or_default()
}

/// A type, with what its fields are matched by.
struct Item {
    name: String,
    /// The patterns of a struct or of an enum's variants, each with the fields that it binds.
    patterns: Vec<Pattern>,
}

struct Pattern {
    text: String,
    bound: Vec<String>,
}

fn implementation(item: &Item) -> String {
    let mut arms = String::new();
    for Pattern { text, bound } in &item.patterns {
        let calls: String =
            bound.iter().map(|name| format!("crate::people::NamesPeople::each_person({name}, show);")).collect();
        let _never_fails = write!(arms, "{text} => {{ {calls} }}");
    }
    format!(
        "#[automatically_derived]
         #[allow(unused_variables, clippy::all, clippy::pedantic)]
         impl crate::people::NamesPeople for {} {{
             fn each_person(&mut self, show: &mut dyn FnMut(&mut crate::UserId)) {{ match self {{ {arms} }} }}
         }}",
        item.name
    )
}

fn read(item: TokenStream) -> Result<Item, String> {
    let mut tokens = item.into_iter();
    let is_enum = loop {
        match tokens.next().ok_or("a struct or an enum was expected")? {
            TokenTree::Ident(word) if word.to_string() == "struct" => break false,
            TokenTree::Ident(word) if word.to_string() == "enum" => break true,
            _ => {}
        }
    };
    let name = tokens.next().ok_or("a name was expected")?.to_string();
    let Some(TokenTree::Group(body)) = tokens.next() else {
        return Err(format!("{name} has type parameters or no fields: say by hand whom it names"));
    };
    let patterns = if is_enum {
        parts(&body).iter().filter(|part| !part.is_empty()).map(|part| variant(part)).collect::<Result<_, _>>()?
    } else {
        vec![fields("Self", &body)?]
    };
    Ok(Item { name, patterns })
}

/// The pattern of a variant.
fn variant(part: &[TokenTree]) -> Result<Pattern, String> {
    let (nobody, rest) = attributes(part);
    let name = format!("Self::{}", rest.first().ok_or("a variant was expected")?);
    match rest.get(1) {
        Some(TokenTree::Group(_)) if nobody => Ok(Pattern { text: format!("{name} {{ .. }}"), bound: Vec::new() }),
        Some(TokenTree::Group(body)) => fields(&name, body),
        _ => Ok(Pattern { text: name, bound: Vec::new() }),
    }
}

/// The pattern of what stands in braces or parentheses.
fn fields(name: &str, body: &Group) -> Result<Pattern, String> {
    let mut pattern = Pattern { text: format!("{name} {{"), bound: Vec::new() };
    for (at, part) in parts(body).iter().filter(|part| !part.is_empty()).enumerate() {
        let (nobody, rest) = attributes(part);
        let field = match body.delimiter() {
            Delimiter::Brace => rest.first().ok_or("a field was expected")?.to_string(),
            _ => at.to_string(),
        };
        let bound = if nobody { "_".to_owned() } else { format!("field_{field}") };
        let _never_fails = write!(pattern.text, "{field}: {bound},");
        if !nobody {
            pattern.bound.push(bound);
        }
    }
    pattern.text.push('}');
    Ok(pattern)
}

/// What stands between the commas of a group, outside of angle brackets.
fn parts(group: &Group) -> Vec<Vec<TokenTree>> {
    let mut depth = 0_i32;
    let mut parts = vec![Vec::new()];
    for token in group.stream() {
        if let TokenTree::Punct(sign) = &token {
            match sign.as_char() {
                '<' => depth += 1,
                '>' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(Vec::new());
                    continue;
                }
                _ => {}
            }
        }
        if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    }
    parts
}

/// Whether `#[nobody]` stands before a field or a variant, and what follows its attributes and its visibility.
fn attributes(part: &[TokenTree]) -> (bool, &[TokenTree]) {
    let (mut nobody, mut rest) = (false, part);
    loop {
        rest = match rest {
            [TokenTree::Punct(sign), TokenTree::Group(inside), after @ ..] if sign.as_char() == '#' => {
                nobody |= inside.stream().to_string() == "nobody";
                after
            }
            [TokenTree::Ident(word), TokenTree::Group(inside), after @ ..]
                if word.to_string() == "pub" && inside.delimiter() == Delimiter::Parenthesis =>
            {
                after
            }
            [TokenTree::Ident(word), after @ ..] if word.to_string() == "pub" => after,
            _ => return (nobody, rest),
        };
    }
}
