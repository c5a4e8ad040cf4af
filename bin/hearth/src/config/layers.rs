//! Laying one layer of the configuration over another, with the default file as the schema.

use toml::{Table, Value};

use super::forge;

/// Puts `layer` on top of `merged`, naming what the schema does not know.
pub(super) fn overlay(
    merged: &mut Table,
    layer: Table,
    schema: &Table,
    from: &str,
    problems: &mut Vec<String>,
) {
    for (section, value) in layer {
        let (Some(Value::Table(known)), Some(Value::Table(target))) =
            (schema.get(&section), merged.get_mut(&section))
        else {
            let sections = schema.keys().cloned().collect::<Vec<_>>().join(", ");
            problems.push(format!("{from}: unknown section `{section}` (there are {sections})"));
            continue;
        };
        let Value::Table(values) = value else {
            problems.push(format!("{from}: `{section}` must be a section"));
            continue;
        };
        if section == forge::SECTION {
            for (name, entry) in values {
                let Value::Table(entry) = entry else {
                    problems.push(format!("{from}: `{section}.{name}` must be a section"));
                    continue;
                };
                let place = target.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(place) = place {
                    keys(place, entry, &forge::schema(), &format!("{section}.{name}"), from, problems);
                }
            }
        } else {
            keys(target, values, known, &section, from, problems);
        }
    }
}

fn keys(
    target: &mut Table,
    values: Table,
    known: &Table,
    section: &str,
    from: &str,
    problems: &mut Vec<String>,
) {
    for (key, value) in values {
        match known.get(&key) {
            None => {
                let keys = known.keys().cloned().collect::<Vec<_>>().join(", ");
                problems.push(format!("{from}: unknown key `{section}.{key}` (there are {keys})"));
            }
            Some(example) if !example.same_type(&value) => problems.push(format!(
                "{from}: {section}.{key} must be of type {}, not {}",
                example.type_str(),
                value.type_str()
            )),
            Some(_) => {
                target.insert(key, value);
            }
        }
    }
}

/// One value from outside a file, at its place, in the type that the schema wants there.
pub(super) fn nested(path: &[String], text: String, schema: &Table) -> Table {
    let example = match path {
        [section, key] => schema.get(section).and_then(|table| table.get(key)).cloned(),
        [section, _, key] if section == forge::SECTION => forge::schema().get(key).cloned(),
        _ => None,
    };
    let value = match example {
        Some(Value::Integer(_)) => text.parse().map_or(Value::String(text), Value::Integer),
        Some(Value::Boolean(_)) => text.parse().map_or(Value::String(text), Value::Boolean),
        Some(Value::Array(_)) => Value::Array(
            text.split(',').filter(|part| !part.is_empty()).map(|part| part.trim().into()).collect(),
        ),
        _ => Value::String(text),
    };
    let nest = |value, name: &String| Value::Table(Table::from_iter([(name.clone(), value)]));
    match path.iter().rev().fold(value, nest) {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}
