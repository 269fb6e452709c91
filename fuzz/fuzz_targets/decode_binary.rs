#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tripline_fuzz::decode_binary(bytes));
