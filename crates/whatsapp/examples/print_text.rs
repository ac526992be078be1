//! Prints who wrote what in the webhook bodies that are named: `cargo run --example print_text -- body.json`
#![allow(clippy::print_stdout, reason = "it is what the example is for")]

use whatsapp::typed::Value;

fn main() -> std::io::Result<()> {
    for file in std::env::args().skip(1) {
        let body = std::fs::read(file)?;
        for event in whatsapp::read(&body).events {
            if let Value::Message(message) = event.value() {
                println!("{}: {}", message.from.as_deref().unwrap_or("?"), message.text().unwrap_or("(no text)"));
            }
        }
    }
    Ok(())
}
