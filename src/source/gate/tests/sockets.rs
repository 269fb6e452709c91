//! Clients on real sockets that are told what is kept.
