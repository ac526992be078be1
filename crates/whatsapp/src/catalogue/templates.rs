//! Message templates.

use super::{Elements, Evidence, Family, Field, MANAGEMENT, TimeSource, page};

pub(super) const COMPONENTS: Field = Field {
    name: "message_template_components_update",
    meaning: "a template was edited",
    page: page!("webhooks/reference/message_template_components_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::TemplateComponentsUpdate,
        &["message_template_components_update"],
    )],
    ..MANAGEMENT
};

pub(super) const QUALITY: Field = Field {
    name: "message_template_quality_update",
    meaning: "a template's quality score changed",
    page: page!("webhooks/reference/message_template_quality_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::TemplateQualityUpdate,
        &[
            "message_template_quality_update.green",
            "message_template_quality_update.red",
            "message_template_quality_update.unknown",
            "message_template_quality_update.yellow",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const STATUS: Field = Field {
    name: "message_template_status_update",
    meaning: "a template was approved, refused, paused, disabled, archived or deleted",
    page: page!("webhooks/reference/message_template_status_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::TemplateStatusUpdate,
        &[
            "message_template_status_update.approved",
            "message_template_status_update.archived",
            "message_template_status_update.deleted",
            "message_template_status_update.disabled",
            "message_template_status_update.flagged",
            "message_template_status_update.in_appeal",
            "message_template_status_update.limit_exceeded",
            "message_template_status_update.locked",
            "message_template_status_update.paused",
            "message_template_status_update.pending",
            "message_template_status_update.pending_deletion",
            "message_template_status_update.reinstated",
            "message_template_status_update.rejected",
            "message_template_status_update.unarchived",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const CATEGORY: Field = Field {
    name: "template_category_update",
    meaning: "a template gets another category, or got it",
    page: page!("webhooks/reference/template_category_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::TemplateCategoryUpdate,
        &["template_category_update.completed", "template_category_update.impending"],
    )],
    ..MANAGEMENT
};

pub(super) const CORRECT_CATEGORY_DETECTION: Field = Field {
    name: "template_correct_category_detection",
    meaning: "Meta thinks that a Direct Send message belongs to another category",
    page: page!("direct-send/integrity-and-content-guidelines"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::TemplateCategoryDetection,
        &["template_correct_category_detection"],
    )],
    ..MANAGEMENT
};

pub(super) const PERFORMANCE_METRICS: Field = Field {
    name: "template_performance_metrics",
    evidence: Evidence::Unpublished,
    meaning: "no payload is published; once described as weekly figures of templates",
    doubts: &["In older lists of third parties only, not in the documentation of 2026."],
    elements: &[Elements::unpublished(&["template_performance_metrics"])],
    ..MANAGEMENT
};
