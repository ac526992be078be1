//! Conversations that another app owns, and who owns them.

use crate::outline::declare::{object, words};

use crate::typed::{ContactCard, Context, ConversationContext, Location, Reaction};

words! {
    /// What happened to a conversation.
    tag HandoverType { ControlPassed "control_passed", ControlTaken "control_taken" }
}

object! {
    /// Another app or agent took a conversation over, or was given it.
    Handover {
        /// `whatsapp`
        messaging_product: maybe Token;
        /// The business number.
        recipient: always object(HandoverRecipient);
        /// The user.
        sender: maybe object(HandoverSender);
        /// What happened; absent in a sample, where the member that is there says it.
        kind as "type": maybe words(HandoverType);
        /// When it happened.
        timestamp: always time_text;
        /// The conversation was given away.
        control_passed: maybe object(Control);
        /// The conversation was taken.
        control_taken: maybe object(Control);
    }
    needs ["control_passed" | "control_taken"]
    by "type" { "control_passed" needs ["control_passed"]; "control_taken" needs ["control_taken"]; }
}

object! {
    /// The business number of a conversation.
    HandoverRecipient {
        /// Id of the business number.
        phone_number_id: always Digits;
        /// The business number for display.
        display_phone_number: always Display;
    }
}

object! {
    /// The user of a conversation.
    HandoverSender {
        /// The phone number; no user id here.
        phone_number: maybe Phone;
    }
}

words! {
    /// What an app does for a business.
    OwnerRole {
        CustomerService "customer_service", Marketing "marketing", Utility "utility", Ctwa "ctwa",
        AiAgent "ai_agent", Escalation "escalation",
    }
}

object! {
    /// Who owned a conversation, and who owns it now.
    Control {
        /// The app that owned it.
        previous_owner_app_id: maybe Digits;
        /// The app that owns it now.
        new_owner_app_id: maybe Digits;
        /// What the former owner is (deprecated).
        previous_owner_app_role: maybe Token;
        /// What the former owner does.
        previous_owner_role: maybe words(OwnerRole);
        /// What the new owner does.
        new_owner_role: maybe words(OwnerRole);
        /// A note of the app that passed or took it.
        metadata: maybe Prose;
        /// What was said so far.
        conversation_context: maybe object(ConversationContext);
    }
}

object! {
    /// What another app sent: its request, with the template or Flow that the request names.
    StandbyEcho {
        /// The message's id.
        id: always MessageId;
        /// When it was sent.
        timestamp: always time_text;
        /// The request of the Send API.
        message: always object(SentMessage);
        /// The template that the message names.
        template: maybe object(TemplateDefinition);
        /// The Flow that the message names.
        flow: maybe object(FlowDefinition);
        /// The user's phone number: seen in no sample.
        to: maybe Phone;
        /// The user's business-scoped user id: seen in no sample.
        to_user_id: maybe UserId;
        /// The user's id of linked portfolios: seen in no sample.
        to_parent_user_id: maybe ParentUserId;
        /// The group: seen in no sample.
        group_id: maybe GroupId;
    }
}

words! {
    /// What another app sends.
    SentType {
        Text "text", Template "template", Interactive "interactive", Image "image", Video "video", Audio "audio",
        Document "document", Sticker "sticker", Location "location", Contacts "contacts", Reaction "reaction",
    }
}

words! {
    /// To what kind of receiver it goes.
    SentRecipientType { Individual "individual", Group "group" }
}

object! {
    /// A request of the Send API.
    SentMessage {
        /// `whatsapp`
        messaging_product: maybe Token;
        /// To what kind of receiver it goes.
        recipient_type: maybe words(SentRecipientType);
        /// The user's phone number, or the group.
        to: maybe Phone;
        /// The user's business-scoped user id.
        recipient: maybe UserId;
        /// What is sent: the name of one of the members below.
        kind as "type": maybe words(SentType);
        /// What it answers.
        context: maybe object(Context);
        /// What the app wants to find in the statuses.
        biz_opaque_callback_data: maybe Prose;
        /// A text.
        text: maybe object(SentText);
        /// A template with its parameters.
        template: maybe object(SentTemplate);
        /// An interactive message.
        interactive: maybe object(SentInteractive);
        /// An image.
        image: maybe object(SentMedia);
        /// A video.
        video: maybe object(SentMedia);
        /// A sound.
        audio: maybe object(SentMedia);
        /// A document.
        document: maybe object(SentMedia);
        /// A sticker.
        sticker: maybe object(SentMedia);
        /// A place.
        location: maybe object(Location);
        /// Contact cards.
        contacts: maybe list(ContactCard);
        /// A reaction.
        reaction: maybe object(Reaction);
    }
    by "type" {
        "text" needs ["text"];
        "template" needs ["template"];
        "interactive" needs ["interactive"];
        "image" needs ["image"];
        "video" needs ["video"];
        "audio" needs ["audio"];
        "document" needs ["document"];
        "sticker" needs ["sticker"];
        "location" needs ["location"];
        "contacts" needs ["contacts"];
        "reaction" needs ["reaction"];
    }
}

object! {
    /// A text to send.
    SentText {
        /// The text.
        body: always Prose;
        /// Whether links are shown with a preview.
        preview_url: maybe flag;
    }
}

object! {
    /// A media object to send.
    SentMedia {
        /// Its id.
        id: maybe Digits;
        /// Where it lies.
        link: maybe Url;
        /// The text below.
        caption: maybe Prose;
        /// The name of a document's file.
        filename: maybe Prose;
        /// True for a voice note.
        voice: maybe flag;
    }
}

object! {
    /// A template to send.
    SentTemplate {
        /// Its name.
        name: always Token;
        /// Its language.
        language: always object(SentLanguage);
        /// What fills its parts.
        components: maybe list(SentComponent);
    }
}

object! {
    /// The language of a template to send.
    SentLanguage {
        /// The code.
        code: always Language;
        /// How strictly to take it (older versions).
        policy: maybe Token;
    }
}

object! {
    /// What fills one part of a template.
    SentComponent {
        /// The part: `header`, `body`, `button` …
        kind as "type": always Token;
        /// What kind of button it is.
        sub_type: maybe Token;
        /// Which button it is.
        index: maybe mixed(Digits);
        /// What fills it.
        parameters: maybe list(SentParameter);
    }
}

object! {
    /// What fills one place of a template.
    SentParameter {
        /// What it is: the name of another member.
        kind as "type": always Token;
        /// The place's name.
        parameter_name: maybe Token;
        /// A text.
        text: maybe Prose;
        /// What a button sends back.
        payload: maybe Prose;
        /// An image.
        image: maybe object(SentMedia);
        /// A video.
        video: maybe object(SentMedia);
        /// A document.
        document: maybe object(SentMedia);
        /// A place.
        location: maybe object(Location);
        /// An amount of money.
        currency: maybe any("the Send API's, not described here");
        /// A moment.
        date_time: maybe any("the Send API's, not described here");
        /// What a button does.
        action: maybe any("the Send API's, not described here");
    }
}

object! {
    /// An interactive message to send.
    SentInteractive {
        /// What kind it is.
        kind as "type": always Token;
        /// What stands above.
        header: maybe object(SentHeader);
        /// The text.
        body: maybe object(SentLine);
        /// What stands below.
        footer: maybe object(SentLine);
        /// What the user can do.
        action: always object(SentAction);
    }
}

object! {
    /// What stands above an interactive message.
    SentHeader {
        /// What it is: the name of another member.
        kind as "type": always Token;
        /// A text.
        text: maybe Prose;
        /// More below.
        sub_text: maybe Prose;
        /// An image.
        image: maybe object(SentMedia);
        /// A video.
        video: maybe object(SentMedia);
        /// A document.
        document: maybe object(SentMedia);
    }
}

object! {
    /// A line of text of an interactive message.
    SentLine {
        /// The text.
        text: always Prose;
    }
}

object! {
    /// What the user can do with an interactive message.
    SentAction {
        /// What happens: `flow`, `cta_url` …
        name: maybe Token;
        /// How it happens.
        parameters: maybe object(SentActionParameters);
        /// Reply buttons.
        buttons: maybe any("the Send API's, not described here");
        /// The label that opens a list.
        button: maybe Prose;
        /// The sections of a list.
        sections: maybe any("the Send API's, not described here");
        /// The cards of a carousel.
        cards: maybe any("the Send API's, not described here");
        /// A catalogue.
        catalog_id: maybe Digits;
        /// A product in it.
        product_retailer_id: maybe Token;
    }
}

object! {
    /// How an action of an interactive message happens.
    SentActionParameters {
        /// Version of the messages between app and Flow.
        flow_message_version: maybe mixed(Digits);
        /// The app's own word for this Flow.
        flow_token: maybe Token;
        /// The Flow.
        flow_id: maybe Digits;
        /// The Flow, by name.
        flow_name: maybe Token;
        /// The button's label.
        flow_cta: maybe Prose;
        /// What the button does.
        flow_action: maybe Token;
        /// Where the Flow begins.
        flow_action_payload: maybe object(FlowActionPayload);
        /// A draft or a published Flow.
        mode: maybe Token;
        /// The label of a link.
        display_text: maybe Prose;
        /// A link.
        url: maybe Url;
    }
}

object! {
    /// Where a Flow begins.
    FlowActionPayload {
        /// The screen.
        screen: maybe Token;
        /// What it is given.
        data: maybe any("the Flow's own");
    }
}

object! {
    /// A template as it was made.
    TemplateDefinition {
        /// Its id: seen in no sample.
        id: maybe Digits;
        /// Its name.
        name: always Token;
        /// Its language.
        language: always Language;
        /// Its state.
        status: maybe Token;
        /// What it is for.
        category: maybe Token;
        /// Its parts.
        components: maybe list(TemplatePart);
    }
}

object! {
    /// A part of a template as it was made.
    TemplatePart {
        /// Which part it is.
        kind as "type": always Token;
        /// What kind of header it is.
        format: maybe Token;
        /// The text.
        text: maybe Prose;
        /// Samples of what fills it.
        example: maybe any("the Template API's, not described here");
        /// The buttons.
        buttons: maybe list(TemplatePartButton);
    }
}

object! {
    /// A button of a template as it was made.
    TemplatePartButton {
        /// What it does.
        kind as "type": always Token;
        /// Its label.
        text: maybe Prose;
        /// Where it leads.
        url: maybe Url;
        /// Whom it calls.
        phone_number: maybe Phone;
        /// Samples of what fills it.
        example: maybe any("the Template API's, not described here");
    }
}

object! {
    /// A Flow as it was made.
    FlowDefinition {
        /// Its id.
        id: maybe Digits;
        /// Its name.
        name: maybe Prose;
        /// Its state.
        status: maybe Token;
        /// What it is for.
        categories: maybe texts(Token);
    }
}
