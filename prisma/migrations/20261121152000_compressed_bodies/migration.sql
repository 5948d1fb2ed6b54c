-- Bodies are kept compressed from now on; those that are there stay plain. Stop the web processes of before first: they store text.
ALTER TABLE "alert_bodies" ALTER COLUMN "body" TYPE BYTEA USING convert_to("body", 'UTF8');
ALTER TABLE "alert_bodies" ALTER COLUMN "body" SET STORAGE EXTERNAL;
