SELECT o.name, RTRIM(o.type), COALESCE(CONVERT(nvarchar(3000), e.value), '') FROM sys.objects o LEFT JOIN sys.extended_properties e ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = 'lethe' WHERE o.schema_id = SCHEMA_ID('dbo') AND LEFT(o.name, LEN(@p1)) = @p1
  -- @p1 = lethe_app_customer

SELECT CONVERT(varchar(1), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'CREATE TABLE')), CONVERT(varchar(1), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'CREATE VIEW')), CONVERT(varchar(1), HAS_PERMS_BY_NAME('dbo', 'SCHEMA', 'ALTER')), CURRENT_USER

BEGIN Read Committed

DECLARE @r int; EXEC @r = sp_getapplock @Resource = @p1, @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 5000; SELECT CONVERT(varchar(10), @r)
  -- @p1 = lethe 7a3e4ef04a29a6a466d608b0

SELECT o.name, RTRIM(o.type), COALESCE(CONVERT(nvarchar(3000), e.value), '') FROM sys.objects o LEFT JOIN sys.extended_properties e ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = 'lethe' WHERE o.schema_id = SCHEMA_ID('dbo') AND LEFT(o.name, LEN(@p1)) = @p1
  -- @p1 = lethe_app_customer

CREATE TABLE [dbo].[lethe_app_customer] ([id] uniqueidentifier NOT NULL, [purpose] nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, [ends] datetime2(7) NULL, [since] date NOT NULL, PRIMARY KEY ([id], [purpose]))

EXEC sys.sp_addextendedproperty @name = N'lethe', @value = N'copy of customer', @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'TABLE', @level1name = N'lethe_app_customer'

CREATE VIEW [dbo].[lethe_app_customer_mail] AS SELECT t.[id], t.[email] FROM [dbo].[customer] t WHERE EXISTS (SELECT 1 FROM [dbo].[lethe_app_customer] c WHERE c.[id] = t.[id] AND c.[purpose] = N'it''s' AND (c.[ends] IS NULL OR c.[ends] > SYSUTCDATETIME()))

EXEC sys.sp_addextendedproperty @name = N'lethe', @value = N'view of copy 7a3e4ef04a29a6a466d608b0 f7c619f09c848944f894e21e', @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'VIEW', @level1name = N'lethe_app_customer_mail'

COMMIT

BEGIN Read Committed

DECLARE @r int; EXEC @r = sp_getapplock @Resource = @p1, @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 5000; SELECT CONVERT(varchar(10), @r)
  -- @p1 = lethe b6c45863875e34487ca3c155

SELECT o.name, RTRIM(o.type), COALESCE(CONVERT(nvarchar(3000), e.value), '') FROM sys.objects o LEFT JOIN sys.extended_properties e ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = 'lethe' WHERE o.schema_id = SCHEMA_ID('dbo') AND LEFT(o.name, LEN(@p1)) = @p1
  -- @p1 = customer

DELETE t FROM [dbo].[customer] t JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1, CONVERT(varchar(max), j.c2) COLLATE Latin1_General_CI_AS AS c2, CONVERT(varbinary(max), j.c3, 2) AS c3, CONVERT(bigint, j.c4) AS c4 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1', c2 nvarchar(max) '$.c2', c3 nvarchar(max) '$.c3', c4 nvarchar(max) '$.c4') j) k ON t.[id] = k.c1; INSERT INTO [dbo].[customer] ([id], [email], [version], [double]) SELECT k.c1, k.c2, k.c3, k.c4 FROM (SELECT k.*, ROW_NUMBER() OVER (PARTITION BY k.c1 ORDER BY k.n DESC) AS r FROM (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1, CONVERT(varchar(max), j.c2) COLLATE Latin1_General_CI_AS AS c2, CONVERT(varbinary(max), j.c3, 2) AS c3, CONVERT(bigint, j.c4) AS c4 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1', c2 nvarchar(max) '$.c2', c3 nvarchar(max) '$.c3', c4 nvarchar(max) '$.c4') j) k) k WHERE k.r = 1
  -- @p1 = [{"c1":"6F9619FF-8B86-D011-B42D-00C04FC964FF","c2":"ann@example.com","c3":"0001","c4":"4","n":1}]

DELETE t FROM [dbo].[customer] t JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[id] = k.c1
  -- @p1 = [{"c1":"0E984725-C51C-4BF4-9960-E1C80E27ABA0","n":1}]

COMMIT

BEGIN Read Committed

SELECT o.name, RTRIM(o.type), COALESCE(CONVERT(nvarchar(3000), e.value), '') FROM sys.objects o LEFT JOIN sys.extended_properties e ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = 'lethe' WHERE o.schema_id = SCHEMA_ID('dbo') AND LEFT(o.name, LEN(@p1)) = @p1
  -- @p1 = lethe_app_customer

DROP VIEW [dbo].[lethe_app_customer_mail]

DROP TABLE [dbo].[lethe_app_customer]

COMMIT
