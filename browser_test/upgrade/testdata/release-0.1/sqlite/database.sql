PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(3,2,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(4,3,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(5,4,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(6,5,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(7,6,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(8,7,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(9,8,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(10,9,1,'2026-11-29 14:56:53');
INSERT INTO goose_db_version VALUES(11,10,1,'2026-11-29 14:56:53');
CREATE TABLE workspace (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    revision BIGINT NOT NULL,
    document TEXT   NOT NULL
);
INSERT INTO workspace VALUES(1,1,'{"apps":[{"id":"web","name":"Web","origins":["http://localhost:8080"],"audience":"http://localhost:8080/api"},{"id":"reports","name":"Reports","origins":["http://localhost:8090"],"audience":"http://localhost:8090/api","entered_from":["web"]}],"roles":{"editor":["notes:read","notes:write"],"viewer":["notes:read"]},"policy":{}}');
CREATE TABLE users (
    id          TEXT PRIMARY KEY,
    iss         TEXT   NOT NULL,
    sub         TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    email       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT,
    disabled_at BIGINT,
    UNIQUE (iss, sub)
);
INSERT INTO users VALUES('usr_u64hvjt55jvef3sctntwqcjhcv','http://127.0.0.1:8081','alice','Alice Martin','alice@example.com',1795964213,1795964461,NULL);
INSERT INTO users VALUES('usr_xssvapnw37hvquxygtuepa3pil','http://127.0.0.1:8081','bob','Bob Keller','bob@example.com',1795964213,1795964214,NULL);
INSERT INTO users VALUES('usr_v2ge4jyjxpt2odz42ou3h2uprd','http://127.0.0.1:8081','dana','Dana Novak','dana@example.com',1795964213,1795964214,NULL);
INSERT INTO users VALUES('usr_myye3k44245dfxc2wxg3vzaldw','http://127.0.0.1:8081','eve','EVE','eve@example.com',1795964213,1795964214,NULL);
INSERT INTO users VALUES('usr_wlh66f6dq5fphs7i5nrgejvrs3','con_northwind','n.owens','Nina Owens','n.owens@example.com',1795964214,1795964214,NULL);
INSERT INTO users VALUES('usr_gxoumkgitoxrtlvjqd4wb3h323','http://127.0.0.1:8081','carol','Carol Dubois','carol@example.com',1795964214,1795964214,NULL);
CREATE TABLE organizations (
    id          TEXT PRIMARY KEY,
    slug        TEXT   NOT NULL UNIQUE,
    name        TEXT   NOT NULL,
    rules       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT
, connection TEXT NOT NULL DEFAULT '', disabled_by TEXT NOT NULL DEFAULT '', deleted_at BIGINT);
INSERT INTO organizations VALUES('org_acme','acme','Acme Corporation','{}',1795964213,NULL,'','',NULL);
INSERT INTO organizations VALUES('org_globex','globex','Globex Shipping','{"dedicated_signing_key":true}',1795964213,NULL,'','',NULL);
INSERT INTO organizations VALUES('org_initech','initech','Initech Labs','{}',1795964213,NULL,'','',NULL);
INSERT INTO organizations VALUES('org_lamna','lamna','Lamna Bank','{"idle_timeout":1800,"acr":["urn:tabard:mfa"]}',1795964213,NULL,'','',NULL);
INSERT INTO organizations VALUES('org_northwind','northwind','Northwind Traders','{"connection":"con_northwind"}',1795964213,NULL,'con_northwind','',NULL);
CREATE TABLE memberships (
    user_id         TEXT   NOT NULL REFERENCES users (id),
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    roles           TEXT   NOT NULL,
    source          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL, disabled_at BIGINT, expires_at BIGINT, staff_reason TEXT NOT NULL DEFAULT '', granted_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, organization_id)
);
INSERT INTO memberships VALUES('usr_u64hvjt55jvef3sctntwqcjhcv','org_acme','["editor"]','file',1795964213,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_xssvapnw37hvquxygtuepa3pil','org_acme','["viewer"]','file',1795964213,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_v2ge4jyjxpt2odz42ou3h2uprd','org_acme','["viewer"]','file',1795964213,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_u64hvjt55jvef3sctntwqcjhcv','org_globex','["viewer"]','file',1795964213,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_u64hvjt55jvef3sctntwqcjhcv','org_initech','["viewer"]','file',1795964213,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_myye3k44245dfxc2wxg3vzaldw','org_initech','["viewer"]','file',1795964213,1795964214,NULL,'','');
INSERT INTO memberships VALUES('usr_v2ge4jyjxpt2odz42ou3h2uprd','org_lamna','["editor"]','file',1795964213,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_v2ge4jyjxpt2odz42ou3h2uprd','org_northwind','["editor"]','file',1795964213,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_wlh66f6dq5fphs7i5nrgejvrs3','org_northwind','["viewer"]','connection',1795964214,NULL,NULL,'','');
INSERT INTO memberships VALUES('usr_gxoumkgitoxrtlvjqd4wb3h323','org_acme','["viewer"]','staff',1795964214,NULL,1796007414,'ticket 4711','command line');
CREATE TABLE sessions (
    id             TEXT PRIMARY KEY,
    app            TEXT   NOT NULL,
    user_id        TEXT   NOT NULL REFERENCES users (id),
    secret         TEXT   NOT NULL,
    gen            BIGINT NOT NULL,
    cur            TEXT   NOT NULL,
    prev           TEXT,
    cur_at         BIGINT NOT NULL,
    cur_last       BIGINT NOT NULL,
    rolled         BIGINT NOT NULL,
    rollbacks      BIGINT NOT NULL,
    revoked_at     BIGINT,
    revoke_reason  TEXT,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    auth_time      BIGINT NOT NULL,
    acr            TEXT   NOT NULL,
    amr            TEXT   NOT NULL,
    attempt        TEXT   NOT NULL UNIQUE,
    jkt            TEXT   NOT NULL,
    upstream_sid   TEXT   NOT NULL,
    upstream_token TEXT   NOT NULL,
    user_agent     TEXT   NOT NULL,
    address        TEXT   NOT NULL
, connection TEXT NOT NULL DEFAULT '', confined_to TEXT NOT NULL DEFAULT '', parent_id TEXT, holder TEXT NOT NULL DEFAULT '');
INSERT INTO sessions VALUES('ses_sirnn2ug5hbu54v6wjpf6lmply','web','usr_u64hvjt55jvef3sctntwqcjhcv','efmTDMhXWKAD2zXFTONY7dpwpl6XLn3HOmqtkYdjWzg',2,'iEemm6ykx2tuPyziOcQ8dg','SXXSOnqpfdP-Hi3ZxbIAdg',1795964459,1795964459,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','H4QC6HJWIO7ZSF6XM24LZ5PZ7L','','upstream-alice','s7_kQOZtcKs5-8qLbQYpA3dSJ0kQkcBH7d7FJ_teyJIUqtIQsqjMlq8GA5kHydt02x_96BvKI4TuHMmcjZi1YVe3c0GgalNyD1TAgd3DyIE9fpu9wuFYd8gZgEfivW0iy83SE0V--MiK0ck606TLvyA0Wn0sICBk3DrtEy0MGDzM0yx5ACSd7itc5RJfsotl6efJcd8ycVWmUl1TnSBdQnO-j7lXLGgO_Byzarvo6kMjS5JK4P9L5gxsWuyAUGkz170Qq_0NWJnAaFTf3lqKxgvYP26xT5EwY_y4iJRoxt_h49Te8HGYl0Hu-hslJXe7K3f6Nkl5Kxp_Cr5ovorGPxpuFVLJmwT6ls79pxTde6Y1L4xPYCt06dG9WZDCOcbRE_Yml39J_hYXAFDpMcGD8gQm0cAGNsAnAaGb5JNnDfZcIOS57TFg-LFk5ydC9_FUn-cMIZNupCIWkPTBKDym5Zt6nKirF1JU5_EroT1bLdfEUSGq0gJqI_9gmr_kFPCL5ipXrls_4AQZ35744krG3CVqIL4vWBmmMGi0KTJCNd1ZZcWx6BMB9hLffpSLUFHb6l9S3iWqSjnGncKddQCdAqtrk_xgQcdhkoUX1gitLG8','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_z6b6vsia5pecpzin2t3ojlequu','web','usr_u64hvjt55jvef3sctntwqcjhcv','Tg_m2g9anmrWdDy0hioS0z_Nzo9xl6tlpdeC2MzcsTM',1,'zemMFsP9jGQY3ZQc8KKuCg',NULL,1795964214,1795964459,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','ZO4SJPMPL2HSBNUTNQ3RKNNPDX','_X6QQ6Z5vrxgyfAwN0XDQh4w0afHjjnYK7QQykUqpfI','upstream-alice','lAk7EacDNP528hwMykPabvY-puWvdIs4KDNbwdiqhTWfK7oASReZXsZxRP1593p-lVgEWJgv11Z8fXZriLmyDHGmdFm7dOCELgSqICHUXV1SzSFnL-A-PWB1VzScHhH_0ozCCQlY4fkb-Gbc6iekuzxmUzKA7nYZbfAElUFkur6XQrKbJ0Ty6qGsSSClUaHzzFgM3LYQL7QBFa0xjO77SH3BuvR4sI4yKG7-3C4oD2rMIeuOxPt8KxEdh22-LnNON3UNIrfCBB_fjbqWoYHHVoc2Uxc4hEHS3PFfCx0Y5U2Ny9YM_ICbpHGtUQRYtJiD5jUwBVMgGp1eeKYJ7NFzhxahMFL2cOLx2otTyFjsx8kM6fHgPTKfHlTgSnL3fswQndmELTmG-XnfadDyIiMGsXHD1kzJFs_6qf70t-tJUUkFFUIUqb0YMESQVKC3DWJlT1YIATFXvwBZPPPbJbv1vKU5YtpUOURgDKyJgj1IYIhfLG500r1kdiD9SmL-p5Mcfn-mHRRiAGh8mGpzz38PS20ANorVVF5SyuZC0s59xDwSsulCfgMGDewrEM8e5vfZN7tqQ5wqqZKDcOaEcIP3oBvLjXq0PE1PkAbbdierhlc','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_njnyguu2d6h3dhkop6qrkn6aee','web','usr_xssvapnw37hvquxygtuepa3pil','NVcGUVGAToZcS9lDBBALj1fhuvuIw8JwWDMkKgIYcn4',1,'aC55KDp8veqkHsxDdPpRBA',NULL,1795964214,1795964214,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','C6I6NYWJENBU5LD62BWSPS23SD','','upstream-bob','PCXDKF7GK-swK5PMWhEcRrbMfpk_rOJXFuoq6nXUHgvY6A4I_0NXou2U-2ZPDrzr6_CttiG0Zs5dXtmryjqZJPiFjych0nbYigm86nBT4jub93IyffPLqLQEO9h8SjX9Id0yYmaAXlHMSRN3aNYHROxOVGz525B1S8DduwgObX0VPGLcdnzZ3NBYejMDU22_i6LN11S8eDQf55VYVuV0K7PsAx-w2oknpooQw49CxAO5el5CO4nVFY_qpw9VGKkcagsPY-SndWRB2e5D1jjnbHwvuBwHk2lg_rWJsX75Q55DkHO0evXfS7b4gAcAycjodTUbVKQw8tylNiKhT6CeaKMclyd9uOOG4LOz4-UE-TuMjZnvEi5pdww035SzLk0dHOZe67I5zMmSL2hpgF-gvu1cl-MnhA27SyZ0dZ5ke6nXNospEhKdBN_TnjOzTzXrjoUP0U6wtwDKwOaXP5uYKYW-VVLyDuqWD76ac-Nes1ltD9dKWvZ-1plI0j-FFJ3Wm5rqSDm7FUAnTylLuv60PSXMvZTH5PW3b0w2kRyimaIqqmhJO3jtqYpNujw3ibg4dMZQhF8l93Rk7sqz1ZMDcfN2bp2M-CI0','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_gq5tu5zypovwjcsfocdscsf56a','web','usr_xssvapnw37hvquxygtuepa3pil','6sjB3SOBs_k4_NyiffiH9lf_SO6jyBvdINIQr0t6Mq4',1,'OSi5bGduB-x0jQhQaVk0cw',NULL,1795964214,1795964459,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','WHNZZZEDD4AT5HB5GQ2CIFVZB5','','upstream-bob','Vo6F97JOIae1N4g7aZgOmqgFhZvBR_FLVhPMSemGsNLTx4xZplOBebLQhB_0pOJ5HWEvSdfCm_qAVF0s7btkUEnisRccF5mX6sNehGYl-hRXHs35jsx2jOKdVNXrXBzz4W7R7u1Vge3a-WPVNaIRJO5z2MyzanHwxYE7s__psAKtj-hZy7EiSdRKyfVLXtPSMhSAm2svCsiczlhGCUVz4Bk7bWSv0BOj4UL9Re8i5lLl6CcG14w_onAZhzXzR7MllIa6D2Y5siZ1T6TjYFBXwTmQzzPgRB5THYDJgBg7GvxWhNQ3xbpLirPDO0PhquijlAEuPh0JhNMjB8U-eKvCF3QHROlkkuDBDO31rm3DzbyJ1vTR9jX0S8GAytYOJT-tsRJqff59okK5-E8-T8Wy93VqwxO0d1F_sFt7Ba3g_lpZ57haaC7LF4LPmjZO9a8gFzGrvPyZQwEQG8dEz7Q32KbYgT65l9qRjLXC1clrvERXBoVtGRLf-N7xnMZ6hJUsuBwh0YX9tBxyO5kXxn2GGmO0rEDX8_m9aJOxQ-RyKB-cRhkW3Sb9VRs9VHKcJc4-wsehHLvucG8y2AWMw8S2pe_vM-0Avu8n','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_43ejhzk4bav7apdzzh6m3zvtfa','web','usr_xssvapnw37hvquxygtuepa3pil','FqiFXwP4_LnCgb-TMBE9wfg38CFT00Je080UIESzONo',1,'Dbbp6-XsNuKd9EX7ZetCqw',NULL,1795964214,1795964459,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','5HU2TXUB2NZHRCCEBRIC7ZFLDB','','upstream-bob','Vp7L5k6jbobVHoIbIow8KfiO70SW7IfwagVQjrdR8KtKFjsUJJQgC-5W5JYKERv7cm3c9haQSHd_WC68HBlND71oiydvoarxn8rKklcDkZlEx4DALuJL58WRNpR9cPLx4Ell0dEvgYAaaFpFAj0_22a_CQHoTdvTovRAlpS2Z6FerEKr2X5__3ptDeCIztn7Ny3MQRKu81D-c50vSv0fjMTXfE6A_NwVCbVNQ_O_H3ujl8m9b2z-ys-uFVMJxRDSwKs_r_ywIm_7lCM_3LUKLiJlJN4WBucRkhWglUQt75Z3vbf60_oM---yHhUd-QqendPI5Jl4zTgpTC8vUNjiBK65sVtKXJo25wk-UkwxHbEcKVT_sYfLyvlBPsBcfmpFmAe2ZzaXBLSzCCYaEZNZS6_rCHGNN-MYJGbvlAF74V_dgXfmVw-42lDaixOSsIb03iVw3oitQKMr3MmEzUM1V6Zdc3gaTewiaovBoW0vGAM45l13ZBclJoDCLlIdnxDcNixrTM5XrGcFqqAC7sHIF1zvcUjMOdCh4KDqqthE4sfbwMUuecB32zuA8ZZRF3hMJ4adr0MfoP9OCJveoIamEblHcS6sD_qc','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_llcf2uuypyo7j4thnsyq4ubnea','web','usr_v2ge4jyjxpt2odz42ou3h2uprd','pcG4rKEUeDqncbc7hu5kqXn84ngw43V5r4v7uXy4U5A',1,'0Tl6seoznLIa30iJbcW1kw',NULL,1795964214,1795964214,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','3O3QKE6KQI3RMQNBDRJMFMLQCN','','upstream-dana','uhc_n4SuB0o8ZdV-Lty-G9eQ0mgNrgE8hagHUtyvYNgKfrqDYL8gst17F1OH3iZcAaMRQmTtY22ULOp21OsEessHlhucZyK5oeZuR19SuvrzeTlEEIJNpxF31U0K_pg11jHG3MT-JhIjnoeK_-I6Ehkk2YUzC5CcGoDR2X5cmeGVyzgl6CLQZb3Sn7LaHE-AOk6A1uTwov26r_TFabPu2zdxKwsvW29n2r4GPBdHBWNRhqGFBzG-KL6zCT3we-3b-vW4nY_71Rk_grG-w2U8l1miES6dt-yqoPSoGu2E3cLsYtfvs5cEwTbDRjkKbL6sA4prSEo_XVPiQiDy_Vub7tTqFK_v9BMXNpds4UPmLRSff34pHhQpaR93wbDeoV8oJcq9mG4grgMkH2FN5kgBPdie8ngRvolI2_Z03tmZjqAUD3IWkJ1mMBO1rij8CxTfjMHF28tqp18RHyI1l4WJFI50tVS2MFw_ayUVYchhZ1Hfj65YzZn5MdC7wtjTHc1Qr_wZlL6V6KyKigl771t8_o9_rWuI6-plJnIIGpPR7DQKLKnNV0L3c7Y5zRy4Do9ij8zZZuB1jJfNxi80nlpWhx_qdIRAb9i2oro','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_vk2au5ol6csuphvafssos5ajoa','web','usr_wlh66f6dq5fphs7i5nrgejvrs3','Xtb3Rhe_EfGXP4Ubppmsf5mFsxrwXABrwFSC2oGsI1w',1,'j0HY9lytjh0Gx9IFH6rFqw',NULL,1795964214,1795964214,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','OAREU77WEKZI67X2DSXNSRETWL','','upstream-n.owens','xeBAKliZ7KPp31_5dA8uPk8aCv3txytyMtlEynRv38221Qv3t2u62w26HPXaejoozpcHoj-AfS3F_oAad4JikyicYervnAAGMx96xX3wh144P1IGR9gbiXvumf2bMyn5cke2y3VALAav-pSsrls52k-kyZl2hVmeAfP3YnyKFKO51HzkGUFLApSVk5tGh1jBvP04fpYN0nV6ZoMm1ASp2oM967MhHm-dwPOtLkzfbwYVKMvmR_FGEhDHYAoyYQKBqz5N4caT7sVukldwPux5VH53Z7P2flR9WpxmnWYz9oiNCqoqorYOljqU_acZ16fqofxKX86__7af1iXXKeZI-9A2K_tOkS01HpXnoygbEdM1akW9Ap-KXdMf2RXe8mrTo-UVH9wbPEOeUFwIkRPc6yr9TnluOytDyDcI7oLeDujvqclnJFccbM176XzjHGqgOhsxfZO_D1H2hRc7mO75nK06WCM6rNbrfusbpWGT_n2RHrkTs3TbsoVkhISHX5ayJnqRfjLuLK6ZKJjQ1b3C8eJkhtDBt5jzUL1ennwdp2NJW_OO2KZwhxW3pB2tcjnpovoNhSImexvOHHzrT-7-A0FTjZPgoydoelBfI3fPg3jF2w','httpbrowser','127.0.0.1','con_northwind','org_northwind',NULL,'');
INSERT INTO sessions VALUES('ses_y34pphc6jj5mouw3kbqdgdej6q','web','usr_myye3k44245dfxc2wxg3vzaldw','6hFr2_Cbs6Yti35A9MQQuXwKdpPR_QHULgkmtHiyRNI',1,'-mfSZinEXpLDX3oHaD9viQ',NULL,1795964214,1795964214,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','UV2DYLC4GGPS4OU47JH55ZVDXZ','','upstream-eve','zRqzqW9N47Te9PfYZGb9b8Wv2wWV1ubXVckU1Eu2He6VY26s9AOzweAsoZOVULgVHxClGt68o6I3amTCeLltWrbNeIpsAja6hdF-jlYd28Zqd2x6WlcKHMKcjm3LHoaTWSyaptfej8cJli7XBqKwcvf05mO_iD1MUDLGOxk1JBXQSbdr3aI3TPohD1j4q8OMac0e9NiV9dTcpIMZtyqeJGCZbRKX_WdjVH7XT4qIJAuhqOD9iwLHLZAH5wBbEY4ZavYKNwOP1fYVN7OCOyso0sFnlth8jLpcDE-ssRw0Mz4-liKkqx5-ovdMjEEdGOHtD-oKOZWw_s3G5mgNDWCy_0I2MCwWt8D1eSv8jiKhp3jdUQVS9Cep4tHqx8wVdfviiN0890ZfeK840pC-NHVUnULn_yu0eGYtKmH8jlfavT9I9uRYPOMXvtkfiB3NDx9w0NIDjJGueM2J9JIF-BnH-JOU5X0zAW48PJUraku6g1HAzQx_gKmkjwr_IqQsgrrjbZkZ9F_ThT_BbMrjW2lXHYTJAPKclR6rVLmsR4lgM5XNuPWJMAKckDDnZTmmAvmL9usJosNDoUHvcKv6n5g','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_w4xk7e4gdvt4gfaw2grx7nuodi','web','usr_xssvapnw37hvquxygtuepa3pil','pEztgFPemlSukvtOhfZUomBr2rPpI1K11JJX13CjlOo',1,'88jSZAbJR48XpwHbtd7KgQ',NULL,1795964214,1795964214,0,0,1795964214,'signed_out',1795964214,1796050614,1795964214,'1','["pwd"]','GZ6NA3XAUGIPWDX2HWSWQ6RWC2','','upstream-bob','alf0xdZgasipll3xXMEe_Lvx0l9EB0JfPuLBAjuzdnixpIea_H1yd2JcsN9vHF1ZQ8FsKm0dM5HOTP46c6R5cqvZgFxdZCs6QVtot-VhAmCfovcnBC396xW_-FlsPyhs9ZEdqLvzq9MEBBdjAMqMKgwixvRlwKXzf_psNNdCFG0sfFLUUkQggZ2W_cWZW1uVIuD1KrV9iCVeFqqxOZfnl_VqQgFrxOwy3zs9jKfG5wukv6Z_4SwqcLBuWMRdOSZ8p0YUg-C73ml3VZzRPbRC70m6nWwU6l1Y2rT1SwJRzIAGcg67xuh-ecVsGjkDkV-GqZjtfSQeRv4K3FN7zZbMYjYeNUkBvJZtAqxo3-qOJegPV3UTW8C5cjOu5CvKWx3iiXYRrGD6z9fQrSRRfudc5K5KbghKNIgzUMb4Nf9GrSmWxzCcHBelYVC_KZl5mTSELdYkINWJLHxzDdDgosn6-je7QFVJLvE3A8VkUMyeNAI2FM1OxEGPANR11XDJydXq93gdJIxBuBolFY6XpiavaEn2hOEq5ZABCXj6RRONc4tY_zBCFZYeLmICEfGyKoc4WNA9it_RYylXL0VTQ48MgY3TGrhs2utj','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_3qgynguwpkw2sh5w35h3s3aeg4','web','usr_gxoumkgitoxrtlvjqd4wb3h323','E8x23RaeGuF6RcgEyJEZhsejeoXgWHu1P-9CcZENGBw',1,'qmIZ99VFwLgvtUTv98GD3g',NULL,1795964214,1795964214,0,0,NULL,NULL,1795964214,1796050614,1795964214,'1','["pwd"]','LIU2AGOWRWQG34ROUJ4FJSC6II','','upstream-carol','jQfBq3Z9mJdWvMflpI1QKoHqiVKMO7MJZaRIk-VZG_LzVMYtyzsC2eu7MDOGiQSOyhGX-aUHeT6G6FNkaLDUGKlgs6VfLvPAqiSlAHYHPVg1sVVWo58OkkDoJqoZJ5yXQwPBfaUov476-dEYPJN8JcRHykLSFugBF4xgSC_FXhQ4HW_h2X8Fu_l9blWYjcQHJQzZEHSVLm1h_r1ngYp0nNzhQFoiiPk0b-wBp0Tywq8pOFGEBfaDyxvsKAiy7gjL_hc21AYIIHCgj1QgDOmWn8Re3VE1HBqf0NJb7VUDkYUUqr-T1Lsog0ioOcMP7csiy_CGS82DTEt1ferNWIf9oLxNckCS_5DAtaJ2fV0gtwB-7sd7AOLBMm3j-PzZzfPjKM5v7mA_FXNlOQLtGMJsugewg7Y2QIukr_BT9xbb8NhmKfGEOWd27Hhg7Rsl1sku0S8_YbabvLcf4_vQriBxDONeZvZ85h7zb_B-LC5Is_myOIHA1MTKDveZOAYvmLGyKyo6ttCR0FVIjFHGtzoLxXuP7UYC6CK4qkL_0ED8h76UhIleEUbyltEjASXLDcXV5jLfUIiaNBciKGpzGQMOl53J96ReAnlc4Ufz6xSGYEU','httpbrowser','127.0.0.1','','',NULL,'');
INSERT INTO sessions VALUES('ses_ghaamqmqf7lpz7n65juyniexuq','reports','usr_u64hvjt55jvef3sctntwqcjhcv','9mZkX1jSSyTiYk64Rxg6e9xDKhftjDodsgZ0lDN3c5A',1,'pu2xXkODSU7wGaY3TRD8mw',NULL,1795964459,1795964459,0,0,NULL,NULL,1795964459,1796050614,1795964214,'1','["pwd"]','handover_MQBZRV6AK2EVBTNVVHFRMDBKR2','','','','httpbrowser','127.0.0.1','','org_acme','ses_sirnn2ug5hbu54v6wjpf6lmply','');
INSERT INTO sessions VALUES('ses_dnsgdmfawp63q6nntprmrxc3li','reports','usr_u64hvjt55jvef3sctntwqcjhcv','SU5aliJNiN4OYOT7tq2gmYsFc9-fOAqGckPsGF-WCSQ',1,'UYpUTFQHl5oTKoUzkpT2uw',NULL,1795964459,1795964459,0,0,NULL,NULL,1795964459,1796050614,1795964214,'1','["pwd"]','server_7SY4D7VMWWH3Y2QVJ6YAYRLJHX','','','','server of web','127.0.0.1','','org_acme','ses_sirnn2ug5hbu54v6wjpf6lmply','server');
INSERT INTO sessions VALUES('ses_zh7on6tg5nolypnwtu6khd7pji','web','usr_u64hvjt55jvef3sctntwqcjhcv','BY-vjZXzdaMnxprjDI-Itbm1wMhCAdd0aaGXbI4mAf0',1,'QMDjIR1AQffsUl_Vnx6LWQ',NULL,1795964461,1795964462,0,0,NULL,NULL,1795964461,1796050861,1795964461,'1','["pwd"]','W633N7J7PSF6WGZJ4EPYDRZPDP','EU0TC-oO7axZCPbYbCh2nd9VMbWPiel9w_OgzSa6dxQ','upstream-alice','4eUa1kycKYc9QSbsrQ0rgX_gpp6uyLxxJ2cZhKtPdkkuX1Ia0ablFoh5D4yQY0cknETaE2UlQQ2B2fpiV20I6MsO99UPjcw363tIvzzZdFb3nct4kPtRAbwWp1C5zsLWwKoObWcJzRRDVne0VYIzJIzrl7antK57GINg3ft6i1B53cTmoTr_P3i-fyZQELxKEzlLsgshySLSNzErXFfOuxsx1el8Ho59FJTUMfGTbscU62CyvqWWvsjWtWoQ5K5QW3qmLlRPkiVhJVXn1oMnm_E147nr21vtnNqnJl75tcnBY5NPYMW21iBOSOLNEutZdofFN3ee2NyBSppoI5V6LayhA72Bmjgkb0vfD3ZHQxhcZaN6pEV2vD75szN-8AYyYJtS5QIAY8TPR2c95y-Vy1qr37kUhRUL0KwifNoV3aX1U085KGmsQWwPGtZv_GeNdtqp7Jk51JHStTrGjFHYqPMGkgMjo5HV28MWfVr4347whH5Sl6cruAphUUwV1yIZztGyueYJ9OOur8HbEAvB5CJOuN4854v1Gmdb_FWlJ0Iku089XNsPGB39GE0nlPYxkEwgQvCIOt1dHR0hRp8a_LPlJvGNI590Z6xxHVOoegE','Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36','127.0.0.1','','',NULL,'');
CREATE TABLE organization_sessions (
    session_id      TEXT   NOT NULL REFERENCES sessions (id),
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    started_at      BIGINT NOT NULL,
    ended_at        BIGINT,
    auth_time       BIGINT NOT NULL,
    acr             TEXT   NOT NULL,
    amr             TEXT   NOT NULL, active_at BIGINT NOT NULL DEFAULT 0, ending TEXT NOT NULL DEFAULT '', connection TEXT NOT NULL DEFAULT '', made_for TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (session_id, organization_id)
);
INSERT INTO organization_sessions VALUES('ses_njnyguu2d6h3dhkop6qrkn6aee','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_gq5tu5zypovwjcsfocdscsf56a','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_43ejhzk4bav7apdzzh6m3zvtfa','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_sirnn2ug5hbu54v6wjpf6lmply','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_z6b6vsia5pecpzin2t3ojlequu','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_sirnn2ug5hbu54v6wjpf6lmply','org_globex',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_z6b6vsia5pecpzin2t3ojlequu','org_globex',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_sirnn2ug5hbu54v6wjpf6lmply','org_initech',1795964214,1795964214,1795964214,'1','["pwd"]',1795964214,'signed_out','','');
INSERT INTO organization_sessions VALUES('ses_z6b6vsia5pecpzin2t3ojlequu','org_initech',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_llcf2uuypyo7j4thnsyq4ubnea','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_llcf2uuypyo7j4thnsyq4ubnea','org_northwind',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','con_northwind','org_northwind');
INSERT INTO organization_sessions VALUES('ses_llcf2uuypyo7j4thnsyq4ubnea','org_lamna',1795964214,NULL,1795964214,'urn:tabard:mfa','["pwd"]',1795964214,'','','org_lamna');
INSERT INTO organization_sessions VALUES('ses_vk2au5ol6csuphvafssos5ajoa','org_northwind',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','con_northwind','');
INSERT INTO organization_sessions VALUES('ses_y34pphc6jj5mouw3kbqdgdej6q','org_initech',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_w4xk7e4gdvt4gfaw2grx7nuodi','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_3qgynguwpkw2sh5w35h3s3aeg4','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_ghaamqmqf7lpz7n65juyniexuq','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_dnsgdmfawp63q6nntprmrxc3li','org_acme',1795964214,NULL,1795964214,'1','["pwd"]',1795964214,'','','');
INSERT INTO organization_sessions VALUES('ses_zh7on6tg5nolypnwtu6khd7pji','org_acme',1795964462,NULL,1795964461,'1','["pwd"]',1795964462,'','','');
INSERT INTO organization_sessions VALUES('ses_zh7on6tg5nolypnwtu6khd7pji','org_globex',1795964462,NULL,1795964461,'1','["pwd"]',1795964462,'','','');
CREATE TABLE audit (
    id              TEXT PRIMARY KEY,
    at              BIGINT NOT NULL,
    action          TEXT   NOT NULL,
    outcome         TEXT   NOT NULL,
    reason          TEXT   NOT NULL,
    actor           TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    organization_id TEXT   NOT NULL,
    session_id      TEXT   NOT NULL,
    app             TEXT   NOT NULL,
    address         TEXT   NOT NULL
, actor_name TEXT NOT NULL DEFAULT '', target TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', expires_at BIGINT NOT NULL DEFAULT 0);
INSERT INTO audit VALUES('evt_d4re7ntlehx42if766bufjfmoa',1795964213,'connection.create','done','','workspace_file','','org_northwind','','','','','con_northwind','',0);
INSERT INTO audit VALUES('evt_dy5mej2o76rzenlkefdeyghsrc',1795964213,'connection.enable','done','','workspace_file','','org_northwind','','','','','con_northwind','',0);
INSERT INTO audit VALUES('evt_rljfdesz7yx374ndthkntku4tv',1795964213,'workspace.apply','done','','command line','','','','','','root','','',0);
INSERT INTO audit VALUES('evt_qatz6jsig3qxfncv4y4n6cw32d',1795964214,'key.create','done','','command line','','','','','','root','key_74ld7oudm5iuwctktbm7tlfhxj','',0);
INSERT INTO audit VALUES('evt_2pczm5aw66axxw5di43zoqumk3',1795964214,'key.create','done','','command line','','','','','','root','key_4uyix6lmt47deb7vraqubu5rvj','',0);
INSERT INTO audit VALUES('evt_ijstdzcrtxeqx7xijzrn3jcuxb',1795964214,'key.create','done','','command line','','','','','','root','key_ztmgja6x2bfcvzx2ikau4jassj','',0);
INSERT INTO audit VALUES('evt_6xvvbhxg247dwjgb3vh4osituk',1795964214,'key.create','done','','command line','','','','','','root','key_weynq334kqlds6ljtjvrdwhfy6','',0);
INSERT INTO audit VALUES('evt_3uukkjoubk7372d6ce6l2pgobh',1795964214,'key.create','done','','command line','','org_acme','','','','root','key_4otlovvo2crtcdnxu6xcfmsoh4','',0);
INSERT INTO audit VALUES('evt_pkhishlgtiwge3gbgjndfcvrgp',1795964214,'key.revoke','done','','command line','','','','','','root','key_ztmgja6x2bfcvzx2ikau4jassj','',0);
INSERT INTO audit VALUES('made:xrmwiud36rykz3ap',1795964214,'signing_key.make','done','','server','','','','','','','','',0);
INSERT INTO audit VALUES('evt_wp5pawvhkm42kcudq3gizcqdl2',1795964214,'sign_in','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','','ses_sirnn2ug5hbu54v6wjpf6lmply','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_5izmk57leb74lybe7qibcgefgl',1795964214,'sign_in','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','','ses_z6b6vsia5pecpzin2t3ojlequu','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_v4urnw56rmknffo4hmtephs44j',1795964214,'sign_in','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','','ses_njnyguu2d6h3dhkop6qrkn6aee','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_sftfrlhvlikq3lvzz3ecgbntyn',1795964214,'sign_in','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','','ses_gq5tu5zypovwjcsfocdscsf56a','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_4tkqcw74kfrm234dw63f27jzah',1795964214,'sign_in','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','','ses_43ejhzk4bav7apdzzh6m3zvtfa','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_45wakpm6jbpf5otx5cdisywyva',1795964214,'organization.enter','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','org_acme','ses_njnyguu2d6h3dhkop6qrkn6aee','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_lzyb3s4cc6ajrt56kxd4xrwsar',1795964214,'organization.enter','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','org_acme','ses_gq5tu5zypovwjcsfocdscsf56a','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_4h3hmwtt75vxv2s53ljjjqb7xr',1795964214,'organization.enter','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','org_acme','ses_43ejhzk4bav7apdzzh6m3zvtfa','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_kgvm2srfxolqeh7mxzeqlun7ej',1795964214,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_acme','ses_sirnn2ug5hbu54v6wjpf6lmply','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_x2dyqck7734tx7n3ojp3gfvhjn',1795964214,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_acme','ses_z6b6vsia5pecpzin2t3ojlequu','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_ye2bt5vca5l5r32df372bv7e2k',1795964214,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_globex','ses_sirnn2ug5hbu54v6wjpf6lmply','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_acqgimp2owsbgtnt7ohy464uny',1795964214,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_globex','ses_z6b6vsia5pecpzin2t3ojlequu','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_krtw6ajn3dmggatm5peodtxfix',1795964214,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_initech','ses_sirnn2ug5hbu54v6wjpf6lmply','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_rjdekkfxbvzozevguucxesotls',1795964214,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_initech','ses_z6b6vsia5pecpzin2t3ojlequu','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_db6mw2ytiv2sunidtzik5enags',1795964214,'organization.leave','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_initech','ses_sirnn2ug5hbu54v6wjpf6lmply','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_kkbafsp65vgfitrvftknkm6uom',1795964214,'sign_in','done','','usr_v2ge4jyjxpt2odz42ou3h2uprd','usr_v2ge4jyjxpt2odz42ou3h2uprd','','ses_llcf2uuypyo7j4thnsyq4ubnea','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_7hfjoklyhpelnwtcxauxgwkmwu',1795964214,'organization.enter','done','','usr_v2ge4jyjxpt2odz42ou3h2uprd','usr_v2ge4jyjxpt2odz42ou3h2uprd','org_acme','ses_llcf2uuypyo7j4thnsyq4ubnea','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_5e7xxvonjoeicz6o5n4xx636j7',1795964214,'identity.link','done','','usr_v2ge4jyjxpt2odz42ou3h2uprd','usr_v2ge4jyjxpt2odz42ou3h2uprd','org_northwind','ses_llcf2uuypyo7j4thnsyq4ubnea','web','127.0.0.1','','con_northwind','',0);
INSERT INTO audit VALUES('evt_l3ggdk5oyflxzhjp4undhschmj',1795964214,'organization.step_up','done','','usr_v2ge4jyjxpt2odz42ou3h2uprd','usr_v2ge4jyjxpt2odz42ou3h2uprd','org_northwind','ses_llcf2uuypyo7j4thnsyq4ubnea','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_aqxyorx2jtv4xhxg5xcud45pv5',1795964214,'organization.enter','done','','usr_v2ge4jyjxpt2odz42ou3h2uprd','usr_v2ge4jyjxpt2odz42ou3h2uprd','org_northwind','ses_llcf2uuypyo7j4thnsyq4ubnea','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_bjgexjc47ws5tpkv432cgujytf',1795964214,'organization.step_up','done','','usr_v2ge4jyjxpt2odz42ou3h2uprd','usr_v2ge4jyjxpt2odz42ou3h2uprd','org_lamna','ses_llcf2uuypyo7j4thnsyq4ubnea','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_a3kgalwbtrwdxusjs2rrkqqgnc',1795964214,'organization.enter','done','','usr_v2ge4jyjxpt2odz42ou3h2uprd','usr_v2ge4jyjxpt2odz42ou3h2uprd','org_lamna','ses_llcf2uuypyo7j4thnsyq4ubnea','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_hjbblcv6kc6ahizajo7kzuurnp',1795964214,'identity.link','done','','usr_wlh66f6dq5fphs7i5nrgejvrs3','usr_wlh66f6dq5fphs7i5nrgejvrs3','org_northwind','','web','127.0.0.1','','con_northwind','',0);
INSERT INTO audit VALUES('evt_punzhgpcxeogcqbjlbuaymky7u',1795964214,'member.admit','done','','server','usr_wlh66f6dq5fphs7i5nrgejvrs3','org_northwind','','web','127.0.0.1','','con_northwind','',0);
INSERT INTO audit VALUES('evt_jduvyqhvftiac5loxipbh6cwwh',1795964214,'sign_in','done','','usr_wlh66f6dq5fphs7i5nrgejvrs3','usr_wlh66f6dq5fphs7i5nrgejvrs3','org_northwind','ses_vk2au5ol6csuphvafssos5ajoa','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_fcqvg65u4jo737so36hk7yyhlj',1795964214,'organization.enter','done','','usr_wlh66f6dq5fphs7i5nrgejvrs3','usr_wlh66f6dq5fphs7i5nrgejvrs3','org_northwind','ses_vk2au5ol6csuphvafssos5ajoa','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_r5jqnbv22lf5ffzrzo2ltmfrok',1795964214,'sign_in','done','','usr_myye3k44245dfxc2wxg3vzaldw','usr_myye3k44245dfxc2wxg3vzaldw','','ses_y34pphc6jj5mouw3kbqdgdej6q','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_uhokl6jl24ufd5ro5ryb7btpbf',1795964214,'organization.enter','done','','usr_myye3k44245dfxc2wxg3vzaldw','usr_myye3k44245dfxc2wxg3vzaldw','org_initech','ses_y34pphc6jj5mouw3kbqdgdej6q','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_ci7dylqyuvnklauufyvyfek76j',1795964214,'member.disable','done','','command line','usr_myye3k44245dfxc2wxg3vzaldw','org_initech','','','','root','','',0);
INSERT INTO audit VALUES('evt_klmz2pzqnsipc547n6wy67aaek',1795964214,'sign_in','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','','ses_w4xk7e4gdvt4gfaw2grx7nuodi','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_uaqamggwqjs5qkbzhmh57wp6lm',1795964214,'organization.enter','done','','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','org_acme','ses_w4xk7e4gdvt4gfaw2grx7nuodi','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_nzmc5yfl5mvij2txzdixfdxw4f',1795964214,'sign_out','done','session','usr_xssvapnw37hvquxygtuepa3pil','usr_xssvapnw37hvquxygtuepa3pil','','ses_w4xk7e4gdvt4gfaw2grx7nuodi','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_pjz37uhavhvsap7gj6gqfmrl5y',1795964214,'sign_in','done','','usr_gxoumkgitoxrtlvjqd4wb3h323','usr_gxoumkgitoxrtlvjqd4wb3h323','','ses_3qgynguwpkw2sh5w35h3s3aeg4','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_2ojhpvmvznnhqmavus3xit6bmh',1795964214,'staff.grant','done','','command line','usr_gxoumkgitoxrtlvjqd4wb3h323','org_acme','','','','root','','ticket 4711',1796007414);
INSERT INTO audit VALUES('evt_45psyf55awym3yqujzefty5g54',1795964214,'organization.enter','done','staff','usr_gxoumkgitoxrtlvjqd4wb3h323','usr_gxoumkgitoxrtlvjqd4wb3h323','org_acme','ses_3qgynguwpkw2sh5w35h3s3aeg4','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('made:nqrznyirfukly7up',1795964214,'signing_key.make','done','','server','','org_globex','','','','','','',0);
INSERT INTO audit VALUES('made:masdimx5rzrucqg5',1795964214,'signing_key.make','done','','command line','','','','','','','','',0);
INSERT INTO audit VALUES('evt_hdffldui34swcik4h5gvkdltvm',1795964459,'app.hand_over','done','','key_74ld7oudm5iuwctktbm7tlfhxj','usr_u64hvjt55jvef3sctntwqcjhcv','org_acme','ses_sirnn2ug5hbu54v6wjpf6lmply','reports','127.0.0.1','server of web','','',0);
INSERT INTO audit VALUES('evt_nezgh6mrxbu22mzx4badh6gq4v',1795964459,'app.enter','done','','key_74ld7oudm5iuwctktbm7tlfhxj','usr_u64hvjt55jvef3sctntwqcjhcv','org_acme','ses_ghaamqmqf7lpz7n65juyniexuq','reports','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_wmcfzc53y6n7ezirlqiaxmxqxa',1795964459,'app.enter','done','','key_74ld7oudm5iuwctktbm7tlfhxj','usr_u64hvjt55jvef3sctntwqcjhcv','org_acme','ses_dnsgdmfawp63q6nntprmrxc3li','reports','127.0.0.1','server of web','','',0);
INSERT INTO audit VALUES('evt_2xub64244u6lrkvnoqib5uwnxb',1795964461,'sign_in','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','','ses_zh7on6tg5nolypnwtu6khd7pji','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_u7vf2w2vhhhto27bnpmar4p42a',1795964462,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_acme','ses_zh7on6tg5nolypnwtu6khd7pji','web','127.0.0.1','','','',0);
INSERT INTO audit VALUES('evt_z7f43qai74jp453wb6rcnokyce',1795964462,'organization.enter','done','','usr_u64hvjt55jvef3sctntwqcjhcv','usr_u64hvjt55jvef3sctntwqcjhcv','org_globex','ses_zh7on6tg5nolypnwtu6khd7pji','web','127.0.0.1','','','',0);
CREATE TABLE authentications (
    attempt    TEXT PRIMARY KEY,
    session_id TEXT   NOT NULL REFERENCES sessions (id),
    auth_time  BIGINT NOT NULL,
    acr        TEXT   NOT NULL,
    amr        TEXT   NOT NULL,
    connection TEXT   NOT NULL,
    made_for   TEXT   NOT NULL
);
INSERT INTO authentications VALUES('AKIYPNN6USV4VDPNTGSHLVPUWL','ses_llcf2uuypyo7j4thnsyq4ubnea',1795964214,'1','["pwd"]','con_northwind','org_northwind');
INSERT INTO authentications VALUES('KDPGXUQW2NOIZXTQWIO7YZHXJS','ses_llcf2uuypyo7j4thnsyq4ubnea',1795964214,'urn:tabard:mfa','["pwd"]','','org_lamna');
INSERT INTO authentications VALUES('OAREU77WEKZI67X2DSXNSRETWL','ses_vk2au5ol6csuphvafssos5ajoa',1795964214,'1','["pwd"]','con_northwind','org_northwind');
CREATE TABLE connections (
    id              TEXT PRIMARY KEY,
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    issuer          TEXT   NOT NULL,
    client_id       TEXT   NOT NULL,
    secret          TEXT   NOT NULL,
    scopes          TEXT   NOT NULL,
    provisioning    TEXT   NOT NULL,
    source          TEXT   NOT NULL,
    revision        BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    deleted_at      BIGINT
);
INSERT INTO connections VALUES('con_northwind','org_northwind','http://127.0.0.1:8083','tabard','1fciJIGp-LG-AXYIhNWZ_9RL9hidFA0f2FcN0Cm1gQOMi3del3szNbTl1wrqR6Q','null','{"just_in_time":true,"roles":["viewer"]}','file',1,1795964213,NULL);
CREATE TABLE links (
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    sub           TEXT   NOT NULL,
    user_id       TEXT   NOT NULL REFERENCES users (id),
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, sub),
    UNIQUE (connection_id, user_id)
);
INSERT INTO links VALUES('con_northwind','d.novak','usr_v2ge4jyjxpt2odz42ou3h2uprd',1795964214);
INSERT INTO links VALUES('con_northwind','n.owens','usr_wlh66f6dq5fphs7i5nrgejvrs3',1795964214);
CREATE TABLE api_keys (
    id              TEXT PRIMARY KEY,
    kind            TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    hash            TEXT   NOT NULL UNIQUE,
    organization_id TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    created_by      TEXT   NOT NULL,
    expires_at      BIGINT,
    last_used_at    BIGINT,
    revoked_at      BIGINT
, app TEXT NOT NULL DEFAULT '');
INSERT INTO api_keys VALUES('key_74ld7oudm5iuwctktbm7tlfhxj','workspace','server of web','hOHif-aZKpuC4SIcbNE7e4wcoV_NVM8Vurt7JfiV1Gk','',1795964213,'command line',NULL,1795964459,NULL,'web');
INSERT INTO api_keys VALUES('key_4uyix6lmt47deb7vraqubu5rvj','workspace','server of reports','DLKJIs2an79md8YO0eZV8I8aFz3gAWFb70ZtMFcZn3s','',1795964214,'command line',NULL,NULL,NULL,'reports');
INSERT INTO api_keys VALUES('key_ztmgja6x2bfcvzx2ikau4jassj','administration','revoked','So2Sa-0-I622H_UcjQAgaIi7reFgbVhS3NYKVquHV-o','',1795964214,'command line',NULL,NULL,1795964214,'');
INSERT INTO api_keys VALUES('key_weynq334kqlds6ljtjvrdwhfy6','administration','administration','_ZzT2rDJf5t786snYp-7DubvxA1wUo1BPvHtqkdkjmI','',1795964214,'command line',NULL,NULL,NULL,'');
INSERT INTO api_keys VALUES('key_4otlovvo2crtcdnxu6xcfmsoh4','administration','administration of acme','RasZCh1ZHUu72U7B29rranuLbk5oSTSu-fXm3SGLiCU','org_acme',1795964214,'command line',NULL,NULL,NULL,'');
CREATE TABLE IF NOT EXISTS "signing_keys" (
    id              TEXT PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    generation      BIGINT NOT NULL,
    algorithm       TEXT   NOT NULL,
    sealed          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    signs_at        BIGINT NOT NULL,
    retires_at      BIGINT,
    made_by         TEXT   NOT NULL,
    retired_by      TEXT   NOT NULL DEFAULT '',
    UNIQUE (organization_id, generation)
);
INSERT INTO signing_keys VALUES('xrmwiud36rykz3ap','',1,'ES256','w3_-atUgLbbJs90QZQWuWSNGtWMGtEKNxrI7Jl88WqhFgjC2CcICdazzt9_sB9TdJRJp2kuB2nEDXGmQvKOlgh0halW8KA_GGBgMdoPv4b6kvvLezo9U3syWeOe4P-fI6IkZC0z0F8yv6bDoGdJsfv2PRdCaTym-JtTC5eDHsWRjW-jE6M3AT7HzqVlrsyep--Rj9sTLJkNzVBpkKu1gdZBtIetoQA',1795964214,1795964214,NULL,'server','');
INSERT INTO signing_keys VALUES('nqrznyirfukly7up','org_globex',1,'ES256','ZbxTi-sPwAR3aJCpk8kVQIlyhPCt9t_d8zwpG6rLY6oMICNqvtgqQ7YW3HyEmNotpA-EOAvMRhDw-ulKBs84tznpVtY-aQ1WxRybsl8dtnGqmWwffRRe2tfg6iURIkNwJR5qYsTwNRcVeGG6qA8Vg7TbH73X8nn2q8HngEJVIwZocMmmjlEydpptRFXWcCUYxBl8WRWRqMuBRq0SXiDs5RBaXBhJhw',1795964214,1795964214,NULL,'server','');
INSERT INTO signing_keys VALUES('masdimx5rzrucqg5','',2,'ES256','y3noo8vnICf9WD0fFlyFwIxD0qQFWYuB4NVnYIUN-fX5ZlR8bj6U1z_J8NnO3PmGq-Ytr0E5pQSNZ0Ivh_f3z1MuZcM3KzqKwVtjh5rhuHUIMuJuRRweSYDQY1VdYunK__jwdFwFdVJzT6rngJyI1wClecmikLM0r4ajewrqxs1Htjbp-qOq3jnY4HUbmnlS0RSx5ZJYCWWsJWL70LvIKw7AnN52Yw',1795964214,1795967814,NULL,'command line','');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',11);
CREATE INDEX memberships_by_organization ON memberships (organization_id, user_id);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_organization ON audit (organization_id, at, id);
CREATE INDEX audit_by_user ON audit (user_id, at, id);
CREATE INDEX sessions_by_upstream ON sessions (upstream_sid);
CREATE INDEX authentications_by_session ON authentications (session_id, auth_time);
CREATE INDEX sessions_by_theft ON sessions (user_id) WHERE revoke_reason IN ('reuse', 'lost');
CREATE INDEX connections_by_organization ON connections (organization_id, id);
CREATE INDEX api_keys_by_organization ON api_keys (organization_id);
CREATE INDEX organization_sessions_by_organization ON organization_sessions (organization_id, session_id);
CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
COMMIT;
