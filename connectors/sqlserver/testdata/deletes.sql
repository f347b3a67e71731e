DECLARE @met TABLE (n int); DELETE t OUTPUT k.n INTO @met FROM [dbo].[staff] t JOIN (SELECT j.n, CONVERT(bigint, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[id] = k.c1; SELECT CONVERT(varchar(20), COUNT(*)) FROM @met
  -- @p1 = [{"c1":"3","n":1}]

DECLARE @met TABLE (n int); DELETE t OUTPUT k.n INTO @met FROM [dbo].[staff] t JOIN (SELECT j.n, CONVERT(bigint, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[id] = k.c1; SELECT CONVERT(varchar(20), COUNT(*)) FROM @met
  -- @p1 = [{"c1":"1","n":1},{"c1":"2","n":2}]
