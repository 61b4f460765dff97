//! Settings as they are read, and refused.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables
        .iter()
        .map(|(name, value)| (format!("CARTWRIGHT__{name}"), (*value).to_owned()));
    Config::read(None, Some(variables.collect()))
}

fn defaults() -> Config {
    read(&[]).unwrap()
}

#[test]
fn the_defaults_are_valid_and_require_a_token() {
    assert_eq!(defaults().checked().unwrap().access, Access::Required);
}

#[test]
fn the_demo_password_is_refused_unless_access_is_open() {
    let mut config = defaults();
    config.admin.password = Secret::new(DEMO_PASSWORD);
    assert!(matches!(
        config.clone().checked(),
        Err(ConfigError::DemoPassword)
    ));
    config.access = Access::Open;
    assert!(config.checked().is_ok());
}

#[test]
fn secrets_arrive_as_they_are() {
    for secret in [
        "0012345678",
        "1234567890123456789012345",
        "+12345678",
        "12345678.90",
        "1e500000",
        "TRUE    ",
        "infinity",
        "one,two,three",
    ] {
        let config = read(&[("ADMIN__PASSWORD", secret)]).unwrap();
        assert_eq!(config.admin.password.reveal(), secret);
    }
    for secret in ["0012", "1234567890123456789012345", "True", "1e5", ""] {
        let variables = [("DATABASE__URL", secret), ("REDIS__URL", secret)];
        let config = read(&variables).unwrap();
        assert_eq!(config.database.url.reveal(), secret);
        assert_eq!(config.redis.url.reveal(), secret);
    }
}

#[test]
fn numbers_switches_and_lists_are_read_from_text() {
    let config = read(&[
        ("HTTP__WORKERS", "4"),
        ("HTTP__COMPRESS", "False"),
        ("DATABASE__POOL_SIZE", "12"),
        ("CACHE__MAX_BYTES", "0"),
        ("SHOP__NAME", "007"),
        ("CORS__ORIGINS", "https://a.example, https://b.example"),
    ])
    .unwrap();

    assert_eq!((config.http.workers, config.http.compress), (4, false));
    assert_eq!((config.database.pool_size, config.cache.max_bytes), (12, 0));
    assert_eq!(config.shop.name, "007");
    assert_eq!(
        config.cors.origins,
        ["https://a.example", "https://b.example"]
    );
    assert!(
        read(&[("CORS__ORIGINS", "")])
            .unwrap()
            .cors
            .origins
            .is_empty()
    );
    for (name, value) in [("HTTP__WORKERS", "many"), ("HTTP__COMPRESS", "perhaps")] {
        assert!(matches!(read(&[(name, value)]), Err(ConfigError::Read(_))));
    }
}

#[test]
fn a_file_may_write_a_list() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("settings.toml");
    std::fs::write(&file, "cors.origins = [\"https://a.example\"]").unwrap();

    let config = Config::read(Some(&file), Some(config::Map::new()));

    assert_eq!(config.unwrap().cors.origins, ["https://a.example"]);
}

#[test]
fn the_administrators_password_follows_the_rule_for_all() {
    for bad in ["1234567", &"x".repeat(129)] {
        let refused = read(&[("ADMIN__PASSWORD", bad)]).unwrap_err().to_string();
        assert!(
            refused.starts_with("admin.password must have 8"),
            "{refused}"
        );
    }
    assert!(read(&[("ADMIN__PASSWORD", "")]).is_ok());
}

#[test]
fn secrets_do_not_show() {
    let mut config = defaults();
    config.database.url = Secret::new("postgres://shop:hunter2@db/shop");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_store_of_pictures_needs_all_that_leads_to_it() {
    let bucket = ("MEDIA__BUCKET", "shop");
    let (access, secret) = (("MEDIA__ACCESS_KEY", "one"), ("MEDIA__SECRET_KEY", "two"));
    let s3 = ("MEDIA__STORE", "s3");
    for (variables, fault) in [
        (vec![s3], "media.bucket "),
        (vec![s3, bucket], "media.access_key "),
        (vec![s3, bucket, access], "media.access_key "),
        (
            vec![s3, bucket, access, secret, ("MEDIA__REGION", "")],
            "media.access_key ",
        ),
        (
            vec![("MEDIA__ENDPOINT", "files.example")],
            "media.endpoint ",
        ),
        (vec![("MEDIA__ENDPOINT", "https://")], "media.endpoint "),
        (vec![("MEDIA__DIRECTORY", "")], "media.directory "),
        (vec![("MEDIA__MAX_BYTES", "0")], "media.max_bytes "),
        (
            vec![("MEDIA__MAX_PIXELS", "100000001")],
            "media.max_pixels ",
        ),
    ] {
        let refused = read(&variables).unwrap_err().to_string();
        assert!(refused.starts_with(fault), "{refused}");
    }
    let config = read(&[s3, bucket, access, secret]).unwrap();
    assert_eq!(config.media.store, MediaStore::S3);
    assert!(!format!("{config:?}").contains("two"));
}
