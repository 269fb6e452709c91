//! What commands that list something have in common: where they look, how much they show, and how.

use super::place::Place;
use crate::runtime::control::MOST_SHOWN;

/// Where to look, how much to show, and how.
#[derive(Debug, clap::Args)]
pub struct Listing {
    /// Show at most so many, up to 1000; 0 shows only how many there are
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = limit)]
    pub limit: usize,

    #[command(flatten)]
    pub place: Place,

    /// Write a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| *limit <= MOST_SHOWN);
    limit.ok_or_else(|| format!("from 0 to {MOST_SHOWN}"))
}
