//! The tokens that count. That others count from now on is a change like any other, and recorded: whoever may write their file
//! decides who may use the API.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{error, info};

use crate::access::{self, TokenSet};
use crate::api::audit::{Audit, Record};
use crate::changing::{Changing, Look};
use crate::source::Clock;

/// The tokens in a file, read again when it has changed.
pub struct Tokens {
    file: Changing<TokenSet>,
    clock: Arc<dyn Clock>,
    audit: Audit,
}

/// The tokens cannot be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read the tokens in `{}`, which `api.tokens` names: {why}; `tripline token new --name NAME --role admin` makes the file",
    path.display()
)]
pub struct TokensError {
    path: PathBuf,
    why: String,
}

impl Tokens {
    /// Those of this file.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open(path: &Path, clock: Arc<dyn Clock>, audit: Audit) -> Result<Tokens, TokensError> {
        let file = access::file::watch(path.to_owned());
        let count = file
            .look()
            .map_err(|why| TokensError { path: path.to_owned(), why })?
            .into_value()
            .entries()
            .len();
        info!(file = %path.display(), count, "tokens are needed for the API");
        Ok(Tokens { file, clock, audit })
    }

    /// Those that count now. When they are found to be others than before, that has been recorded when this returns.
    pub fn now(&self) -> Arc<TokenSet> {
        let path = self.file.path();
        match self.file.look() {
            Ok(Look::Same(tokens)) => tokens,
            Ok(Look::Read { value, before }) => {
                info!(file = %path.display(), count = value.entries().len(), "the tokens were read again");
                let before = before.unwrap_or_default();
                if before != value {
                    self.audit.keep_here(&Record::of_tokens(path, &before, &value, self.clock.now()));
                }
                value
            }
            Ok(Look::Kept { value, why, is_news }) => {
                if is_news {
                    error!(file = %path.display(), %why, "the tokens cannot be read again: those of before count on");
                }
                value
            }
            // They were read at the start.
            Err(_) => Arc::default(),
        }
    }
}
