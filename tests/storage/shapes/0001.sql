BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE link (
	id VARCHAR(32) NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	provider VARCHAR NOT NULL, 
	active BOOLEAN NOT NULL, 
	wanted BOOLEAN NOT NULL, 
	account VARCHAR(16), 
	accepted_account VARCHAR(16), 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
INSERT INTO "link" VALUES('b16459e3c9844cf6a63f1626f1248f56','b82ddb16383944e8b5a394cc5c7a1549','whatsapp_web',1,1,NULL,NULL);
INSERT INTO "link" VALUES('1ffe2fff30454eba8ef889c83f436a93','fc5291074a8242c2b6dfe047f426cf53','whatsapp_web',1,0,NULL,NULL);
CREATE TABLE mentorado (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR NOT NULL, 
	phone VARCHAR(16) NOT NULL, 
	phone_key VARCHAR(16) NOT NULL, 
	cohort VARCHAR NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	archived_at VARCHAR(32), 
	CONSTRAINT pk_mentorado PRIMARY KEY (id)
);
INSERT INTO "mentorado" VALUES('b82ddb16383944e8b5a394cc5c7a1549','Ana Lima','+5511987654321','+551187654321','','2026-01-01T00:00:00.000000+00:00',NULL);
INSERT INTO "mentorado" VALUES('fc5291074a8242c2b6dfe047f426cf53','Bruno Sá','+5521912345678','+5521912345678','','2026-01-01T00:00:00.000000+00:00','2026-01-01T00:00:00.000000+00:00');
CREATE TABLE transition (
	id INTEGER NOT NULL, 
	link_id VARCHAR(32) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	"trigger" VARCHAR NOT NULL, 
	before_state VARCHAR NOT NULL, 
	before_reason VARCHAR NOT NULL, 
	before_since VARCHAR(32) NOT NULL, 
	after_state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	capability VARCHAR NOT NULL, 
	until VARCHAR(32), 
	account VARCHAR(16), 
	detail VARCHAR NOT NULL, 
	CONSTRAINT pk_transition PRIMARY KEY (id), 
	CONSTRAINT fk_transition_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
INSERT INTO "transition" VALUES(1,'b16459e3c9844cf6a63f1626f1248f56','2026-01-01T00:00:00.000000+00:00','CONNECT','off','none','2026-01-01T00:00:00.000000+00:00','connecting','none','unknown',NULL,NULL,'');
INSERT INTO "transition" VALUES(2,'b16459e3c9844cf6a63f1626f1248f56','2026-01-01T00:00:00.000000+00:00','OPENED','connecting','none','2026-01-01T00:00:00.000000+00:00','connected','none','unknown',NULL,NULL,'');
CREATE UNIQUE INDEX uq_mentorado_active_phone ON mentorado (phone_key) WHERE archived_at IS NULL;
CREATE INDEX ix_link_mentorado_id ON link (mentorado_id);
CREATE UNIQUE INDEX uq_link_active ON link (mentorado_id) WHERE active;
CREATE INDEX ix_transition_link_id ON transition (link_id);
CREATE TRIGGER transition_no_update BEFORE UPDATE ON transition BEGIN SELECT RAISE(ABORT, 'transitions are append-only'); END;
CREATE TRIGGER transition_no_delete BEFORE DELETE ON transition BEGIN SELECT RAISE(ABORT, 'transitions are append-only'); END;
COMMIT;
