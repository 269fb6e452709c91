//! The real binary with a real Apache Kafka.

mod broker;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../e2e/sockets/certificates.rs"]
mod certificates;
mod client;
mod crashes;
mod groups;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../e2e/harness.rs"]
mod harness;
mod moving;
#[path = "../common/ports.rs"]
mod ports;
mod reading;
mod registry;
mod retention;
mod security;
mod sending;
mod state_topic;
