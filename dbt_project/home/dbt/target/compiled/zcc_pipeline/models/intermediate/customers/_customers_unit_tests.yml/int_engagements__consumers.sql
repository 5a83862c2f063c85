
-- Fixture for int_engagements__consumers
select 
    
    cast('e1' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 08:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:a' as character varying)
 as "consumer_key", 
    
    cast('phone:+1' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e2' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 09:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", 
    
    cast('phone:+1' as character varying)
 as "phone_key", 
    
    cast('email:x@y' as character varying)
 as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e3' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 10:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:b' as character varying)
 as "consumer_key", cast(null as character varying(256)) as "phone_key", 
    
    cast('email:x@y' as character varying)
 as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e4' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 11:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", 
    
    cast('phone:+2' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e5' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 11:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:c' as character varying)
 as "consumer_key", cast(null as character varying(256)) as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e6' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 12:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", cast(null as character varying(256)) as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"