#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| whatsapp_fuzz::typed(data));
