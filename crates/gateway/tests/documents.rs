//! What the documents say about the gateway is true.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use gateway::admin::{Code, openapi_document};
use gateway::receive::Refusal;

fn docs(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path)
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    let refusals = Refusal::ALL.iter().map(|refusal| refusal.code().to_owned());
    let codes: BTreeSet<String> = refusals.chain(Code::ALL.iter().map(|code| code.as_str().to_owned())).collect();
    let files = fs::read_dir(docs("errors")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> = names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect();
    let pages: BTreeSet<String> = pages.into_iter().filter(|page| page != "README").collect();
    assert_eq!(codes, pages);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
fn the_api_describes_itself_as_openapi_3_1_and_the_copy_in_the_docs_is_current() {
    let document = serde_json::to_value(openapi_document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in ["/api/v1/status", "/api/v1/events/{id}", "/api/v1/endpoints/{id}", "/api/v1/keys", "/api/v1/apply"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(docs("reference/openapi.json"), &text).unwrap();
    }
    let kept = fs::read_to_string(docs("reference/openapi.json")).unwrap();
    assert!(kept == text, "docs/reference/openapi.json is old: UPDATE_DOCS=1 cargo test -p gateway --test documents");
}
