//! Stops at any moment.
