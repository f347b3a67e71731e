SELECT TOP (2) CONVERT(varchar(60), t.[f00]), CONVERT(varchar(60), t.[f01]), CONVERT(varchar(60), t.[f02]), CONVERT(varchar(60), t.[f03]), CONVERT(varchar(60), t.[f04], 2), CONVERT(varchar(60), t.[f05], 3), CONVERT(varchar(60), t.[f06], 3), CONVERT(varchar(60), t.[f07], 23), CONVERT(varchar(60), t.[f08], 121), CONVERT(varchar(60), t.[f09], 121), CONVERT(varchar(60), t.[f10], 121), CONVERT(varchar(60), t.[f11], 121), CONVERT(varchar(60), CONVERT(datetime2(7), SWITCHOFFSET(t.[f12], '+00:00')), 121), CONVERT(char(36), t.[f13]), CONVERT(nvarchar(max), t.[f14]), CONVERT(nvarchar(max), t.[f15]), CONVERT(nvarchar(max), t.[f16]), CONVERT(nvarchar(max), t.[f17]), t.[f18], CONVERT(varbinary(max), t.[f19]), CONVERT(varbinary(max), t.[f20]), CONVERT(nvarchar(max), t.[f21]), CONVERT(nvarchar(max), t.[f22]) FROM [dbo].[kinds] t ORDER BY t.[f00]

SELECT TOP (2) CONVERT(varchar(60), t.[f00]), CONVERT(varchar(60), t.[f01]), CONVERT(varchar(60), t.[f02]), CONVERT(varchar(60), t.[f03]), CONVERT(varchar(60), t.[f04], 2), CONVERT(varchar(60), t.[f05], 3), CONVERT(varchar(60), t.[f06], 3), CONVERT(varchar(60), t.[f07], 23), CONVERT(varchar(60), t.[f08], 121), CONVERT(varchar(60), t.[f09], 121), CONVERT(varchar(60), t.[f10], 121), CONVERT(varchar(60), t.[f11], 121), CONVERT(varchar(60), CONVERT(datetime2(7), SWITCHOFFSET(t.[f12], '+00:00')), 121), CONVERT(char(36), t.[f13]), CONVERT(nvarchar(max), t.[f14]), CONVERT(nvarchar(max), t.[f15]), CONVERT(nvarchar(max), t.[f16]), CONVERT(nvarchar(max), t.[f17]), t.[f18], CONVERT(varbinary(max), t.[f19]), CONVERT(varbinary(max), t.[f20]), CONVERT(nvarchar(max), t.[f21]), CONVERT(nvarchar(max), t.[f22]) FROM [dbo].[kinds] t WHERE ((t.[f00] > CONVERT(bigint, @p1))) ORDER BY t.[f00]
  -- @p1 = 2

SELECT TOP (500) CONVERT(nvarchar(max), t.[email]), CONVERT(char(36), t.[id]), CONVERT(varchar(20), k.n) FROM [dbo].[customer] t JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[id] = k.c1 ORDER BY t.[id], k.n
  -- @p1 = [{"c1":"0E984725-C51C-4BF4-9960-E1C80E27ABA0","n":1},{"c1":"6F9619FF-8B86-D011-B42D-00C04FC964FF","n":2}]

SELECT TOP (500) CONVERT(char(36), t.[id]), CONVERT(nvarchar(max), t.[email]), CONVERT(binary(8), t.[version]), CONVERT(varchar(60), t.[double]), CONVERT(varchar(20), k.n) FROM [dbo].[customer] t JOIN (SELECT j.n, CONVERT(varchar(max), j.c1) COLLATE Latin1_General_CI_AS AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j WHERE CONVERT(nvarchar(max), CONVERT(varchar(max), j.c1) COLLATE Latin1_General_CI_AS) = j.c1 COLLATE Latin1_General_BIN2) k ON t.[email] = k.c1 ORDER BY t.[id], k.n
  -- @p1 = [{"c1":"Zoë","n":1},{"c1":"it's","n":2}]

SELECT TOP (500) CONVERT(varchar(60), t.[number]), CONVERT(nvarchar(max), t.[pos]), CONVERT(char(36), t.[of]), CONVERT(binary(8), t.[rv]), CONVERT(varchar(20), k.n) FROM [sales].[order line] t JOIN (SELECT j.n, CONVERT(bigint, j.c1) AS c1, j.c2 COLLATE Latin1_General_CI_AS AS c2 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1', c2 nvarchar(max) '$.c2') j) k ON t.[number] = k.c1 AND t.[pos] = k.c2 ORDER BY t.[number], t.[pos], k.n
  -- @p1 = [{"c1":"7","c2":"a\"b","n":1}]

SELECT TOP (500) CONVERT(varchar(60), t.[number]), CONVERT(nvarchar(max), t.[pos]), CONVERT(char(36), t.[of]), CONVERT(binary(8), t.[rv]), CONVERT(varchar(20), k.n) FROM [sales].[order line] t JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[of] = k.c1 ORDER BY t.[number], t.[pos], k.n
  -- @p1 = [{"c1":"6F9619FF-8B86-D011-B42D-00C04FC964FF","n":1}]

SELECT CONVERT(varchar(60), t.[a]]b]) FROM [dbo].[keyless] t

SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SELECT TOP (500) CONVERT(varchar(60), t.[id]) FROM [dbo].[quick] t WITH (SNAPSHOT) ORDER BY t.[id]

SELECT TOP (500) CONVERT(nvarchar(max), t.[pos]), CONVERT(varchar(60), t.[number]) FROM [sales].[order line] t WHERE ((t.[number] > CONVERT(bigint, @p1)) OR (t.[number] = CONVERT(bigint, @p1) AND t.[pos] > @p2 COLLATE Latin1_General_CI_AS)) ORDER BY t.[number], t.[pos]
  -- 7, x
