//! One file per resource, one function per request: extract, call one function, answer.

pub mod admin;
mod attributes;
pub mod categories;
mod category_bodies;
pub mod category_products;
mod collection_bodies;
pub mod collection_products;
pub mod collections;
mod common_answers;
pub mod described;
pub mod docs;
pub mod events;
pub mod jobs;
mod market;
pub mod media_files;
pub mod money;
mod option_labels;
mod order_answers;
pub mod order_bodies;
pub mod order_placing;
mod order_refusals;
mod order_requests;
mod order_steps;
pub mod orders;
pub mod price_lookup;
mod product_bodies;
pub mod product_reads;
pub mod product_writes;
pub mod products;
pub mod related;
pub mod schedules;
pub mod search;
mod search_bodies;
mod search_query;
pub mod service;
pub mod sessions;
pub mod stock;
pub mod users;
pub mod variants;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::{self, PayloadConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::Problem;

/// Where routes go: into a server, or into the document of what servers answer.
pub trait Mount {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self;
}

impl Mount for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        Self::service(self, route)
    }
}

impl Mount for ServiceConfig<'_> {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        Self::service(self, route)
    }
}

/// All routes that the OpenAPI document describes.
pub fn configure<M: Mount>(config: &mut M) {
    config
        .service(service::livez)
        .service(service::readyz)
        .service(products::list)
        .service(products::get)
        .service(products::get_by_slug)
        .service(product_writes::create)
        .service(product_writes::update)
        .service(product_writes::archive)
        .service(search::find)
        .service(variants::list)
        .service(related::list)
        .service(categories::list)
        .service(categories::get)
        .service(category_products::list)
        .service(admin::categories::create)
        .service(admin::categories::get)
        .service(admin::categories::update)
        .service(admin::categories::archive)
        .service(admin::categories::place)
        .service(admin::category_products::list)
        .service(admin::category_products::assign)
        .service(collections::list)
        .service(collections::get)
        .service(collection_products::list)
        .service(admin::collections::list)
        .service(admin::collections::create)
        .service(admin::collections::get)
        .service(admin::collections::update)
        .service(admin::collections::archive)
        .service(admin::collection_products::list)
        .service(admin::collection_products::assign)
        .service(admin::custom_fields::list)
        .service(admin::custom_fields::create)
        .service(admin::custom_fields::get)
        .service(admin::custom_fields::update)
        .service(admin::custom_fields::remove)
        .service(admin::products::list)
        .service(admin::products::create)
        .service(admin::products::get)
        .service(admin::products::update)
        .service(admin::options::get)
        .service(admin::options::put)
        .service(admin::options::generate)
        .service(admin::variants::list)
        .service(admin::variants::create)
        .service(admin::variants::get)
        .service(admin::variants::update)
        .service(admin::variants::archive)
        .service(admin::components::set)
        .service(admin::related::get)
        .service(admin::related::set)
        .service(admin::stock::get)
        .service(admin::stock::count)
        .service(admin::stock::adjust)
        .service(admin::stock::limit)
        .service(admin::movements::list)
        .service(admin::levels::list)
        .service(admin::locations::list)
        .service(admin::locations::create)
        .service(admin::locations::get)
        .service(admin::locations::update)
        .service(admin::locations::delete)
        .service(admin::transfers::create)
        .service(admin::transfers::get)
        .service(admin::low_stock::list)
        .service(admin::holds::create)
        .service(admin::holds::list)
        .service(admin::holds::get)
        .service(admin::holds::refresh)
        .service(admin::holds::release)
        .service(
            utoipa_actix_web::scope("/api/admin/prices")
                .app_data(PayloadConfig::new(admin::prices::MAX_BYTES))
                .service(admin::prices::set),
        )
        .service(admin::search::rebuild)
        .service(admin::price_lists::create)
        .service(admin::price_lists::list)
        .service(admin::price_lists::get)
        .service(admin::price_lists::update)
        .service(
            utoipa_actix_web::scope("/api/admin/price-lists")
                .app_data(PayloadConfig::new(admin::prices::MAX_BYTES))
                .service(admin::list_prices::set)
                .service(admin::list_prices::list)
                .service(admin::list_prices::withdraw),
        )
        .service(admin::translations::list_of_product)
        .service(admin::translations::put_of_product)
        .service(admin::translations::delete_of_product)
        .service(admin::translations::list_of_category)
        .service(admin::translations::put_of_category)
        .service(admin::translations::delete_of_category)
        .service(admin::option_translations::list)
        .service(admin::option_translations::put)
        .service(admin::option_translations::delete)
        .service(admin::customer_groups::get)
        .service(admin::customer_groups::put)
        .service(admin::permissions::get)
        .service(admin::permissions::put)
        .service(price_lookup::look_up)
        .service(admin::prices::get)
        .service(admin::prices::history)
        .service(admin::prices::withdraw)
        .service(media_files::get)
        .service(admin::media::create)
        .service(admin::media::list)
        .service(admin::media::get)
        .service(admin::media::update)
        .service(admin::media::delete)
        .service(admin::product_media::get)
        .service(admin::product_media::put)
        .service(admin::imports::create)
        .service(admin::imports::list)
        .service(admin::imports::get)
        .service(admin::imports::cancel)
        .service(admin::imports::delete)
        .service(admin::import_results::results)
        .service(admin::exports::create)
        .service(admin::exports::list)
        .service(admin::exports::get)
        .service(admin::export_file::file)
        .service(stock::get)
        .service(stock::put)
        .service(users::register)
        .service(users::list)
        .service(users::me)
        .service(users::get)
        .service(sessions::open)
        .service(sessions::close)
        .service(orders::place)
        .service(orders::list)
        .service(orders::get)
        .service(orders::advance)
        .service(orders::cancel)
        .service(events::list)
        .service(jobs::list)
        .service(jobs::get)
        .service(jobs::retry)
        .service(jobs::cancel)
        .service(jobs::run_now)
        .service(schedules::list)
        .service(schedules::run);
}

/// What no route answers: 404, or 405 for a known path with another method.
pub async fn unmatched(request: HttpRequest) -> HttpResponse {
    let routes = request.resource_map();
    if !routes.has_resource(request.path()) {
        let problem = Problem::not_found("not_found", "There is nothing at this address");
        return problem.error_response();
    }
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Not with this method",
    );
    let mut answer = problem.error_response();
    let pattern = routes.match_pattern(request.path());
    if let Ok(allowed) = HeaderValue::from_str(docs::allowed(pattern.as_deref())) {
        answer.headers_mut().insert(ALLOW, allowed);
    }
    answer
}
