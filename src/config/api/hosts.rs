//! Reads the names by which the service may be asked.

use crate::config::Located;
use crate::config::document::{Report, Table};

/// The longest name of a host.
const LONGEST: usize = 253;

/// The names in `hosts`, in small letters.
pub fn names(table: &Table<'_>, report: &mut Report) -> Option<Vec<String>> {
    let given = table.names("hosts", report);
    let right: Vec<String> = given
        .iter()
        .filter(|name| is_host(&name.value))
        .map(|name| name.value.to_ascii_lowercase())
        .collect();
    for Located { value, span } in given.iter().filter(|name| !is_host(&name.value)) {
        let help = "write the name alone, without `https://`, port and path: `tripline.example.com`";
        report.misnamed(*span, format!("`{value}` is no name of a host"), help);
    }
    (right.len() == given.len()).then_some(right)
}

fn is_host(name: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
    name.len() <= LONGEST && name.split('.').all(|part| !part.is_empty() && part.bytes().all(is_letter))
}
