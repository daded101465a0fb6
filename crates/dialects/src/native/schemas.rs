//! Schemas of inputs and outputs as the documents need them: plain JSON, with their parts by name.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// Parts by name, as they stand under `components/schemas`.
pub(crate) type Parts = BTreeMap<String, Value>;

/// How to get the schema of a type, without the type.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The type's name in the documents.
    name: fn() -> String,
    /// The type's own schema.
    schema: fn() -> RefOr<Schema>,
    /// The schemas that it refers to.
    parts: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    /// The shape of a type.
    pub(crate) const fn of<T: ToSchema>() -> Self {
        Self { name: || T::name().into_owned(), schema: T::schema, parts: T::schemas }
    }

    /// The type's name in the documents.
    pub(crate) fn name(self) -> String {
        (self.name)()
    }

    /// The type's own schema; what it refers to is added to `parts`.
    pub(crate) fn own(self, output: bool, parts: &mut Parts) -> Value {
        let mut referred = Vec::new();
        (self.parts)(&mut referred);
        for (name, schema) in referred {
            parts.entry(name).or_insert_with(|| plain(&schema, output));
        }
        plain(&(self.schema)(), output)
    }

    /// A reference to the type, which is added to `parts` with all that it refers to.
    pub(crate) fn reference(self, output: bool, parts: &mut Parts) -> Value {
        let own = self.own(output, parts);
        let name = self.name();
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        parts.entry(name).or_insert(own);
        reference
    }
}

/// A schema that no type has. Only for schemas written down in this crate: what cannot be read becomes an
/// empty object, and the documents' tests see it.
pub(crate) fn literal(value: Value) -> RefOr<Schema> {
    RefOr::T(serde_json::from_value(value).unwrap_or_default())
}

fn plain(schema: &RefOr<Schema>, output: bool) -> Value {
    let mut value = serde_json::to_value(schema).unwrap_or_default();
    tidy(&mut value, output);
    value
}

/// Whole numbers are written as such; everything in an output is always present.
fn tidy(value: &mut Value, output: bool) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|f| !number.is_i64() && f.fract() == 0.0) {
                *value = json!(float as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, output)),
        Value::Object(object) => {
            object.values_mut().for_each(|member| tidy(member, output));
            if let (true, Some(Value::Object(properties))) = (output, object.get("properties")) {
                let all: Vec<&String> = properties.keys().collect();
                let required = json!(all);
                object.insert("required".into(), required);
            }
        }
        _ => {}
    }
}
