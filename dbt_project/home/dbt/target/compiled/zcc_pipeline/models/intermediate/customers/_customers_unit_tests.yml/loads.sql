
-- Fixture for loads
select 
    
    cast(1 as BIGINT)
 as "load_seq", cast(null as TIMESTAMP) as "started_at"