//! The schema of an event: what `gateway::EventJson` writes, around what Meta's JSON says.

use whatsapp::schema::{self, Node};

/// The members of every event: name, types, and what it is.
const MEMBERS: &[(&str, &[&str], &str)] = &[
    ("id", &["string"], "The event's id: the same for the same event, whenever and however it arrives."),
    ("field", &["string"], "Meta's webhook field; empty where the body has none."),
    ("app", &["string"], "The Meta app."),
    ("entry_id", &["string", "null"], "`entry.id` as sent: an account, a portfolio, or \"0\"."),
    ("waba_id", &["string", "null"], "The WhatsApp Business Account, where Meta gives one."),
    ("business_id", &["string", "null"], "The business portfolio, where Meta gives one."),
    ("phone_number_id", &["string", "null"], "Id of the business number."),
    ("display_phone_number", &["string", "null"], "The business number for display, as sent."),
    ("message_id", &["string", "null"], "Meta's id of the message or call."),
    ("key", &["string"], "The event's identity, from Meta's content."),
    ("lane", &["string"], "What the event stays in order with."),
    ("occurred_at", &["string", "null"], "When it happened, by Meta."),
    ("received_at", &["string", "null"], "When it was received; null where it never was."),
    ("notification_id", &["string", "null"], "The notification that it was cut from; null where none was received."),
    ("test", &["boolean"], "True for what the test buttons of Meta's dashboard send."),
    ("duplicates", &["integer"], "How often the event came again."),
    ("unrouted", &["boolean"], "True where no endpoint wanted it when it came."),
];

/// The schema of events of this type; `None` where the type is not known.
pub(super) fn schema(event_type: &str) -> Option<Node> {
    let data = schema::data(event_type)?;
    let is_bytes = event_type == "notification.unreadable";
    let mut properties = vec![("type".to_owned(), Node::object([("const", Node::text(event_type))]))];
    properties.extend(MEMBERS.iter().map(|(name, types, doc)| ((*name).to_owned(), member(types, doc))));
    properties.push(("contact".to_owned(), contact()));
    properties.push(("problems".to_owned(), problems()));
    properties.push(("data".to_owned(), described("Meta's own JSON, numbers and strings exactly as sent.")));
    properties.push(("data_base64".to_owned(), member(&["string"], "The bytes, where they are not JSON.")));
    properties.push(("data_dropped".to_owned(), member(&["boolean"], "True where retention dropped the data.")));
    let optional = ["data_base64", "data_dropped"];
    let names = properties.iter().map(|(name, _)| name.as_str()).filter(|name| !optional.contains(name));
    let required = names.map(Node::text).collect();
    let null = Node::object([("type", Node::text("null"))]);
    let there = if is_bytes { null.clone() } else { data.schema };
    Some(Node::object([
        ("$schema", Node::text("https://json-schema.org/draft/2020-12/schema")),
        ("$id", Node::Text(format!("urn:waypost:event:{event_type}"))),
        ("title", Node::text(event_type)),
        ("type", Node::text("object")),
        ("properties", Node::Object(properties)),
        ("required", Node::Array(required)),
        ("if", has_flag("data_dropped")),
        ("then", with_data(null)),
        ("else", with_data(there)),
        ("$defs", Node::Object(data.definitions)),
    ]))
}

fn described(doc: &str) -> Node {
    Node::object([("description", Node::text(doc))])
}

fn member(types: &[&str], doc: &str) -> Node {
    let kind = match types {
        [one] => Node::text(one),
        several => Node::Array(several.iter().map(|name| Node::text(name)).collect()),
    };
    Node::object([("type", kind), ("description", Node::text(doc))])
}

fn contact() -> Node {
    let names = [
        ("wa_id", "Normally the phone number."),
        ("user_id", "The business-scoped user id."),
        ("parent_user_id", "The user id of linked portfolios."),
    ];
    let properties = names.map(|(name, doc)| (name.to_owned(), member(&["string", "null"], doc))).to_vec();
    Node::object([
        ("type", Node::text("object")),
        ("description", Node::text("The person on the other side, as far as the event names them.")),
        ("properties", Node::Object(properties)),
        ("required", Node::Array(names.map(|(name, _)| Node::text(name)).to_vec())),
    ])
}

fn problems() -> Node {
    let names = [("path", "Where in the body it is."), ("what", "What is the matter.")];
    let properties = names.map(|(name, doc)| (name.to_owned(), member(&["string"], doc))).to_vec();
    let problem = Node::object([
        ("type", Node::text("object")),
        ("properties", Node::Object(properties)),
        ("required", Node::Array(names.map(|(name, _)| Node::text(name)).to_vec())),
    ]);
    Node::object([
        ("type", Node::text("array")),
        ("description", Node::text("What did not fit the known shape. Never the content.")),
        ("items", problem),
    ])
}

fn has_flag(name: &str) -> Node {
    let is_true = Node::object([("const", Node::Flag(true))]);
    Node::object([
        ("properties", Node::Object(vec![(name.to_owned(), is_true)])),
        ("required", Node::Array(vec![Node::text(name)])),
    ])
}

fn with_data(data: Node) -> Node {
    Node::object([("properties", Node::Object(vec![("data".to_owned(), data)]))])
}
