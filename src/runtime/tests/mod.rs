//! Tests of the parts together.

mod crash;
