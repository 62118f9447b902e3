//! Who may do what on the private S3: the account everything, strangers only read files of the public bucket.

use s3s::access::{S3Access, S3AccessContext};
use s3s::path::S3Path;
use s3s::{S3Result, s3_error};

/// Anonymous reading of one bucket's objects, and nothing else without a signature.
pub(crate) struct PublicRead {
    pub(crate) bucket: String,
}

#[async_trait::async_trait]
impl S3Access for PublicRead {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let signed = context.credentials().is_some();
        if signed || self.may_read(context.s3_op().name(), context.s3_path()) {
            return Ok(());
        }
        Err(s3_error!(AccessDenied, "anonymous requests may only read objects of the public bucket"))
    }
}

impl PublicRead {
    fn may_read(&self, operation: &str, path: &S3Path) -> bool {
        let Some((bucket, key)) = path.as_object() else { return false };
        // The store is a folder: a key that climbs would leave the bucket for other buckets and their metadata.
        let climbs = key.split(['/', '\\']).any(|part| part == ".." || part == ".");
        matches!(operation, "GetObject" | "HeadObject") && bucket == self.bucket && !climbs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_read_objects_of_the_public_bucket_only() {
        let access = PublicRead { bucket: "media".to_owned() };
        let object = S3Path::object("media", "a/b.png");
        assert!(access.may_read("GetObject", &object));
        assert!(access.may_read("HeadObject", &object));
        for operation in ["PutObject", "DeleteObject", "GetObjectAcl", "ListObjectsV2", "CopyObject"] {
            assert!(!access.may_read(operation, &object), "{operation}");
        }
        assert!(!access.may_read("GetObject", &S3Path::object("private", "a")));
        assert!(!access.may_read("GetObject", &S3Path::object("media", "../private/a")));
        assert!(!access.may_read("HeadBucket", &S3Path::bucket("media")));
        assert!(!access.may_read("ListBuckets", &S3Path::root()));
    }
}
