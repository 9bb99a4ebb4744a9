//! The layers of provider and service tables, each laid over the one before.

use std::path::Path;

use toml::Table;

use super::tables::parse;
use crate::regular_file;

/// The providers and services that are compiled in.
const BUILT_IN_TABLES: &str = include_str!("../../providers.toml");

/// Parses the built-in tables.
pub(super) fn built_in(problems: &mut Vec<String>) -> Table {
    parse("the built-in providers.toml", BUILT_IN_TABLES, problems)
}

/// Returns the layers with the names of their sources: the built-in tables, those made from
/// CONFIGFILE of Duplicati's own server, and the file at `own`, which PROVIDERS names.
pub(super) fn layers(
    built_in: Table,
    config_file: Table,
    own: Option<&str>,
    problems: &mut Vec<String>,
) -> Vec<(String, Table)> {
    let mut layers = vec![
        ("the built-in providers.toml".to_owned(), built_in),
        ("CONFIGFILE".to_owned(), config_file),
    ];
    if let Some(path) = own {
        match regular_file::read_to_string(Path::new(path)) {
            Ok(text) => layers.push((path.to_owned(), parse(path, &text, problems))),
            Err(error) => problems.push(format!(
                "AUTHSEAL_PROVIDERS names {path}, which cannot be read: {error}"
            )),
        }
    }
    layers
}
