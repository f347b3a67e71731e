BEGIN Read Committed

SELECT CONVERT(char(36), t.[id]), CONVERT(nvarchar(max), t.[email]), CONVERT(binary(8), t.[version]), CONVERT(varchar(60), t.[double]), CONVERT(varchar(20), k.n) FROM [dbo].[customer] t WITH (UPDLOCK, ROWLOCK) JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[id] = k.c1 ORDER BY t.[id], k.n
  -- @p1 = [{"c1":"0E984725-C51C-4BF4-9960-E1C80E27ABA0","n":1},{"c1":"6F9619FF-8B86-D011-B42D-00C04FC964FF","n":2}]

DECLARE @met TABLE (n int); UPDATE t SET [email] = k.c2 OUTPUT k.n INTO @met FROM [dbo].[customer] t JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1, CONVERT(varchar(max), j.c2) COLLATE Latin1_General_CI_AS AS c2 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1', c2 nvarchar(max) '$.c2') j) k ON t.[id] = k.c1; SELECT CONVERT(varchar(20), COUNT(*)) FROM @met
  -- @p1 = [{"c1":"6F9619FF-8B86-D011-B42D-00C04FC964FF","c2":"gone@example.com","n":1}]

DECLARE @met TABLE (n int); DELETE t OUTPUT k.n INTO @met FROM [dbo].[customer] t JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[id] = k.c1; SELECT CONVERT(varchar(20), COUNT(*)) FROM @met
  -- @p1 = [{"c1":"0E984725-C51C-4BF4-9960-E1C80E27ABA0","n":1}]

SELECT CONVERT(char(36), t.[id]), CONVERT(nvarchar(max), t.[email]), CONVERT(varchar(20), k.n) FROM [dbo].[customer] t WITH (UPDLOCK, ROWLOCK) JOIN (SELECT j.n, CONVERT(uniqueidentifier, j.c1) AS c1 FROM OPENJSON(@p1) WITH (n int '$.n', c1 nvarchar(max) '$.c1') j) k ON t.[id] = k.c1 ORDER BY t.[id], k.n
  -- @p1 = [{"c1":"0E984725-C51C-4BF4-9960-E1C80E27ABA0","n":1},{"c1":"6F9619FF-8B86-D011-B42D-00C04FC964FF","n":2}]

COMMIT
