//! Frames to steps.

use chat::{Error, ErrorCode, accounts::Speaker};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{encode, table::Operation};
use crate::Step;

/// The longest id of a command, in characters.
const ID_LENGTH: usize = 64;

/// The request of a frame.
#[must_use]
pub fn decode(speaker: Option<&Speaker>, text: &str) -> Step {
    let frame: Frame<'_> = match serde_json::from_str(text) {
        Ok(frame) => frame,
        Err(error) => return refuse(None, &unreadable(&error)),
    };
    let id = match frame.id() {
        Ok(id) => id,
        Err(error) => return refuse(None, &error),
    };
    let step = frame.operation().and_then(|operation| {
        let input = frame.data.map_or("{}", RawValue::get);
        let re = id.clone();
        operation.step(speaker, input, move |answer| {
            vec![match answer {
                Ok(answer) => answer.frame(&re),
                Err(error) => encode::refusal(Some(&re), &error),
            }]
        })
    });
    step.unwrap_or_else(|error| refuse(Some(&id), &error))
}

fn refuse(id: Option<&str>, error: &Error) -> Step {
    Step::Refuse(vec![encode::refusal(id, error)])
}

fn unreadable(error: &serde_json::Error) -> Error {
    let detail = if error.is_data() {
        let words = error.to_string();
        words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words).to_owned()
    } else {
        format!("The frame is not JSON: it cannot be read at line {}, column {}.", error.line(), error.column())
    };
    Error::new(ErrorCode::Malformed, detail)
}

/// A frame whose parts are not read yet, so that its id is known whatever is wrong with the rest.
#[derive(Default)]
struct Frame<'a> {
    id: Option<&'a RawValue>,
    kind: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    /// The mistake in the frame itself.
    wrong: Option<Error>,
}

fn malformed(field: &str, detail: String) -> Error {
    Error { field: Some(crate::input::pointer_to(field)), ..Error::new(ErrorCode::Malformed, detail) }
}

impl Frame<'_> {
    fn id(&self) -> Result<String, Error> {
        let wrong = || malformed("id", format!("id must be a string of 1 to {ID_LENGTH} characters."));
        let id: String = self.id.and_then(|raw| serde_json::from_str(raw.get()).ok()).ok_or_else(wrong)?;
        let fits = (1..=ID_LENGTH).contains(&id.chars().count()) && !id.contains('\0');
        fits.then_some(id).ok_or_else(wrong)
    }

    fn operation(&self) -> Result<&'static Operation, Error> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let name: String = self
            .kind
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .ok_or_else(|| malformed("type", "type must be a string: the command's name.".into()))?;
        Operation::named(&name).ok_or_else(|| Error {
            field: Some("/type".into()),
            ..Error::new(ErrorCode::UnknownCommand, "There is no command of this name.")
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Frame<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FrameVisitor)
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = Frame<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with id, type and data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Frame<'de>, A::Error> {
        let mut frame = Frame::default();
        while let Some(key) = map.next_key::<String>()? {
            let value: &RawValue = map.next_value()?;
            let slot = match key.as_str() {
                "id" => &mut frame.id,
                "type" => &mut frame.kind,
                "data" => &mut frame.data,
                _ => {
                    frame.wrong.get_or_insert_with(|| malformed(&key, "A frame has no such field.".into()));
                    continue;
                }
            };
            if slot.is_some() {
                if key == "id" {
                    return Err(A::Error::custom("The frame has two ids."));
                }
                frame.wrong.get_or_insert_with(|| malformed(&key, format!("{key} is given twice.")));
            }
            *slot = Some(value);
        }
        // `null` says as much as nothing.
        frame.data = frame.data.filter(|raw| raw.get() != "null");
        Ok(frame)
    }

    // Scalars and arrays are data of the wrong type, and said to be so without being read.
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, _: A) -> Result<Frame<'de>, A::Error> {
        Err(A::Error::custom("The frame must be an object with id, type and data."))
    }
}
